(** The algorithm of bptt.v run on numbers, so that the shipped Python can be compared with it.

    One activation and one output function serve all cases, g(z) = z^2 + z and g_2(o) = o^2. *)
From Coq Require Import QArith ZArith List.
From rnn Require Import bptt.
Import ListNotations.

Section Run.
Variables (K : Type) (zero one two : K) (add sub mul : K -> K -> K).
Notation vec := (nat -> K).

Definition entries (l : list K) : vec := fun i => nth i l zero.
Definition matrix (columns : nat) (l : list K) : nat -> vec := fun i j => nth (i * columns + j)%nat l zero.
Definition listed (rows columns : nat) (M : nat -> vec) : list K :=
  flat_map (fun i => map (M i) (seq 0 columns)) (seq 0 rows).

Definition g (z : K) := add (mul z z) z.
Definition dg (z _ : K) := add (mul two z) one.
Definition square (o : K) := mul o o.
Definition dsquare (o _ : K) := mul two o.

(** The loss, the gradient in the order of the parameters, and each series' r_0. A series is its
    inputs and targets, r and a_0; c is what the mean divides by, inverted. *)
Definition answer (n m k : nat) (c : K) (W_aa W_ax b_a W_ya b_y : list K)
    (batch : list (list (list K * list K) * list K * list K)) : list K :=
  let p := Params K (matrix n W_aa) (matrix m W_ax) (entries b_a) (matrix n W_ya) (entries b_y) in
  let b := map (fun '(s, r, a) =>
    (map (fun '(x, y) => squared_error K zero add mul k two sub c square dsquare (entries x) (entries y)) s,
     entries r, entries a)) batch in
  let G := gradient_of_batch K zero add mul n m k g dg p b in
  loss_of_batch K zero add mul n m k g p b
  :: listed n n (bptt.W_aa K G) ++ listed n m (bptt.W_ax K G) ++ map (bptt.b_a K G) (seq 0 n)
  ++ listed k n (bptt.W_ya K G) ++ map (bptt.b_y K G) (seq 0 k)
  ++ flat_map (fun '(s, r, a) => map (snd (backward K zero add mul n m k g dg p s r a)) (seq 0 n)) b.
End Run.

(** Fractions in lowest terms, and whole numbers modulo a prime. *)
Definition on_fractions := answer Q 0 1 (2 # 1)
  (fun a b => Qred (a + b)) (fun a b => Qred (a - b)) (fun a b => Qred (a * b)).
Definition modulo (p : Z) := answer Z 0%Z 1%Z 2%Z
  (fun a b => let s := (a + b)%Z in if (s <? p)%Z then s else (s - p)%Z)
  (fun a b => let d := (a - b)%Z in if (d <? 0)%Z then (d + p)%Z else d)
  (fun a b => Z.modulo (a * b) p).
Definition pairs (l : list Q) : list Z := flat_map (fun q => [Qnum q; Zpos (Qden q)]) l.
