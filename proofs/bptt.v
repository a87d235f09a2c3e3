(** Back-propagation through time: the algorithm, written once over any numbers.

    A vector is a function of its index, a matrix one of two. What a step of the recurrence
    computes is tabulated ([memo]), so that it is computed once when the algorithm runs. *)
From Coq Require Import List Arith Lia Ring Ring_theory.
Import ListNotations.

Section Algorithm.
Variables (K : Type) (zero : K) (add mul : K -> K -> K).
Infix "+" := add. Infix "*" := mul.
Notation vec := (nat -> K). Notation mat := (nat -> nat -> K).

Fixpoint sum (n : nat) (f : vec) : K :=
  match n with O => zero | S n => sum n f + f n end.
(** The sum over a list. *)
Definition total {A} (f : A -> K) (l : list A) : K :=
  fold_right (fun x acc => f x + acc) zero l.
(** The first n entries of f, computed at once and kept in a list. *)
Definition memo (n : nat) (f : vec) : vec :=
  let l := map f (seq 0 n) in fun i => nth i l zero.

Record params := Params {
  W_aa : mat; W_ax : mat; b_a : vec; W_ya : mat; b_y : vec }.
(** One time: its input, its loss as a function of the outputs, and that loss's derivative. *)
Record time := Time { x : vec; ell : vec -> K; dell : vec -> vec }.
(** What the forward pass keeps of one time: a_{t-1}, x_t, z_t, a_t and e_t. *)
Record moment := Moment { before : vec; input : vec; z : vec; after : vec; e : vec }.

Variables (n m k : nat).             (* the sizes of state, input and output *)
Variables (g : K -> K) (dg : K -> K -> K).   (* dg z (g z) is the slope of g at z *)

Definition pre p (a x : vec) i :=
  sum n (fun j => W_aa p i j * a j) + sum m (fun j => W_ax p i j * x j) + b_a p i.
Definition out p (a : vec) q := sum n (fun i => W_ya p q i * a i) + b_y p q.

(** The loss of a series from a_0 on, with <r_T, a_T> for what comes after its end. *)
Fixpoint loss p (s : list time) (r a : vec) : K :=
  match s with
  | [] => sum n (fun j => r j * a j)
  | t :: s =>
      let z := memo n (pre p a (x t)) in
      let a' := memo n (fun i => g (z i)) in
      ell t (memo k (out p a')) + loss p s r a'
  end.

Fixpoint forward p (s : list time) (a : vec) : list moment :=
  match s with
  | [] => []
  | t :: s =>
      let z := memo n (pre p a (x t)) in
      let a' := memo n (fun i => g (z i)) in
      let e := memo k (dell t (memo k (out p a'))) in
      Moment a (x t) z a' e :: forward p s a'
  end.

(** The sweep. Each time gives the slopes d_t and u_t = W_ya^T e_t; it returns every
    delta_t = d_t (u_t + r_t), and r_0, where r_{t-1} = W_aa^T delta_t. *)
Fixpoint sweep (W : mat) (s : list (vec * vec)) (r : vec)
    : list vec * vec :=
  match s with
  | [] => ([], r)
  | (d, u) :: s =>
      let (deltas, r) := sweep W s r in
      let delta := memo n (fun i => d i * (u i + r i)) in
      (delta :: deltas, memo n (fun j => sum n (fun i => delta i * W i j)))
  end.

Definition slopes (t : moment) : vec := memo n (fun i => dg (z t i) (after t i)).
Definition back p (t : moment) : vec := memo n (fun i => sum k (fun q => e t q * W_ya p q i)).

(** The five sums over time. *)
Definition sums (ms : list moment) (deltas : list vec) : params :=
  let both := combine ms deltas in
  Params (fun i j => total (fun md => snd md i * before (fst md) j) both)
         (fun i j => total (fun md => snd md i * input (fst md) j) both)
         (fun i => total (fun md => snd md i) both)
         (fun q i => total (fun t => e t q * after t i) ms)
         (fun q => total (fun t => e t q) ms).

(** The gradient, and r_0. *)
Definition backward p (s : list time) (r a : vec) : params * vec :=
  let ms := forward p s a in
  let (deltas, r_0) := sweep (W_aa p) (map (fun t => (slopes t, back p t)) ms) r in
  (sums ms deltas, r_0).

(** One time of a squared error with the output g_2(o) and the target y, weighed by c. *)
Definition squared_error (two : K) (sub : K -> K -> K) (c : K)
    (g_2 : K -> K) (dg_2 : K -> K -> K) (x y : vec) : time := Time x
  (fun o => c * sum k (fun q => sub (g_2 (o q)) (y q) * sub (g_2 (o q)) (y q)))
  (fun o q => two * c * sub (g_2 (o q)) (y q) * dg_2 (o q) (g_2 (o q))).

(** The inner product of two sets of parameters. *)
Definition inner p q :=
  sum n (fun i => sum n (fun j => W_aa p i j * W_aa q i j)) +
  sum n (fun i => sum m (fun j => W_ax p i j * W_ax q i j)) +
  sum n (fun i => b_a p i * b_a q i) +
  sum k (fun l => sum n (fun i => W_ya p l i * W_ya q l i)) +
  sum k (fun l => b_y p l * b_y q l).

(** A batch: series side by side, each with its own r and a_0; the gradients add up. *)
Definition loss_of_batch p (b : list (list time * vec * vec)) : K :=
  total (fun '(s, r, a) => loss p s r a) b.
Definition add_params p q := Params
  (fun i j => W_aa p i j + W_aa q i j) (fun i j => W_ax p i j + W_ax q i j)
  (fun i => b_a p i + b_a q i)
  (fun i j => W_ya p i j + W_ya q i j) (fun i => b_y p i + b_y q i).
Definition no_params := Params (fun _ _ => zero) (fun _ _ => zero) (fun _ => zero)
                             (fun _ _ => zero) (fun _ => zero).
Definition gradient_of_batch p (b : list (list time * vec * vec)) : params :=
  fold_right (fun '(s, r, a) G => add_params (fst (backward p s r a)) G) no_params b.

Lemma memo_in n' f i : i < n' -> memo n' f i = f i.
Proof.
intros H; unfold memo.
rewrite nth_indep with (d' := f 0) by (rewrite map_length, seq_length; exact H).
rewrite map_nth, seq_nth by exact H; reflexivity.
Qed.

Lemma sum_ext n' f h : (forall i, i < n' -> f i = h i) -> sum n' f = sum n' h.
Proof. intros H; induction n'; simpl; [easy|]. now rewrite IHn', H by auto with arith. Qed.

Lemma total_ext {A} (f h : A -> K) s : (forall x, f x = h x) -> total f s = total h s.
Proof. intros H; induction s; simpl; [easy|]. now rewrite IHs, H. Qed.

Lemma sweep_length W s r : length (fst (sweep W s r)) = length s.
Proof.
induction s as [|[d u] s IH]; simpl; [easy|].
destruct (sweep W s r); simpl in *; congruence.
Qed.

(** ** Over any commutative ring *)
Section Ring.
Variables (one : K) (sub : K -> K -> K) (opp : K -> K).
Hypothesis K_ring : ring_theory zero one add mul sub opp eq.
Add Ring K_ring : K_ring.

Lemma sum_plus n' f h : sum n' (fun i => f i + h i) = sum n' f + sum n' h.
Proof. induction n'; simpl; [ring|rewrite IHn'; ring]. Qed.
Lemma sum_scal n' c f : sum n' (fun i => c * f i) = c * sum n' f.
Proof. induction n'; simpl; [ring|rewrite IHn'; ring]. Qed.
Lemma sum_0 n' : sum n' (fun _ => zero) = zero.
Proof. induction n'; simpl; [ring|rewrite IHn'; ring]. Qed.
Lemma sum_swap n' m' f :
  sum n' (fun i => sum m' (fun j => f i j)) = sum m' (fun j => sum n' (fun i => f i j)).
Proof.
induction n'; simpl.
- symmetry; apply sum_0.
- rewrite IHn'; symmetry; apply sum_plus.
Qed.
Lemma sum_total {A} n' (f : A -> vec) s :
  sum n' (fun i => total (fun x => f x i) s) = total (fun x => sum n' (f x)) s.
Proof.
induction s as [|x s IH]; simpl; [apply sum_0|].
rewrite sum_plus; unfold total in *; rewrite IH; reflexivity.
Qed.
Lemma total_scal {A} c (f : A -> K) s : total (fun x => c * f x) s = c * total f s.
Proof. induction s; simpl; [ring|rewrite IHs; ring]. Qed.
Lemma sum_delta n' i f : i < n' -> sum n' (fun j => (if i =? j then one else zero) * f j) = f i.
Proof.
induction n'; intros H; simpl; [lia|].
destruct (Nat.eq_dec i n') as [->|E].
- rewrite Nat.eqb_refl, (sum_ext n' _ (fun _ => zero)), sum_0; [ring|].
  intros j Hj; destruct (Nat.eqb_spec n' j); [lia|ring].
- rewrite IHn' by lia. destruct (Nat.eqb_spec i n'); [lia|ring].
Qed.

(** *** The double sum of products of Jacobians *)
(** A row times a matrix, and the Jacobian of a step, J_t = diag(d_t) W_aa. *)
Definition row (u : vec) (M : mat) : vec := fun j => sum n (fun i => u i * M i j).
Definition dot (u v : vec) : K := sum n (fun i => u i * v i).
Definition product (A B : mat) : mat := fun i j => sum n (fun q => A i q * B q j).
Definition identity : mat := fun i j => if i =? j then one else zero.
Definition jacobian (W : mat) (d : vec) : mat := fun i j => d i * W i j.
(** J_t ... J_{s+1}, the newest on the left: the list holds times s+1 to t. *)
Fixpoint jacobians (W : mat) (s : list (vec * vec)) : mat :=
  match s with
  | [] => identity
  | (d, _) :: s => product (jacobians W s) (jacobian W d)
  end.

(** The adjoint of the state before a list of times, as the double sum has it: for each time t
    of the list the row u_t times the product of the Jacobians up to t, then r. *)
Fixpoint double_sum (W : mat) (past s : list (vec * vec)) (r : vec) (j : nat) : K :=
  match s with
  | [] => row r (jacobians W past) j
  | (d, u) :: s =>
      row u (jacobians W (past ++ [(d, u)])) j + double_sum W (past ++ [(d, u)]) s r j
  end.

Lemma row_ext u v M j : (forall i, i < n -> u i = v i) -> row u M j = row v M j.
Proof. intros H; apply sum_ext; intros i Hi; now rewrite H. Qed.
Lemma row_identity u j : j < n -> row u identity j = u j.
Proof.
intros H; unfold row, identity.
rewrite (sum_ext n _ (fun i => (if j =? i then one else zero) * u i)).
- now apply sum_delta.
- intros i _; rewrite (Nat.eqb_sym i j); ring.
Qed.
Lemma row_product u A B j : row u (product A B) j = row (row u A) B j.
Proof.
unfold row, product.
rewrite (sum_ext n _ (fun i => sum n (fun q => u i * A i q * B q j))).
2:{ intros i _. rewrite <- sum_scal. apply sum_ext; intros; ring. }
rewrite sum_swap. apply sum_ext; intros q _.
rewrite <- (sum_ext n (fun i => B q j * (u i * A i q))) by (intros; ring).
rewrite sum_scal; ring.
Qed.
Lemma row_plus u v M j : row (fun i => u i + v i) M j = row u M j + row v M j.
Proof. unfold row; rewrite <- sum_plus; apply sum_ext; intros; ring. Qed.

Lemma double_sum_head W d u past s r j :
  double_sum W ((d, u) :: past) s r j
  = row (double_sum W past s r) (jacobian W d) j.
Proof.
revert past; induction s as [|[d' u'] s IH]; intros past; simpl.
- now rewrite row_product.
- rewrite IH, row_product, <- row_plus. reflexivity.
Qed.

(** What the sweep returns for the state before the first time is the double sum. *)
Theorem sweep_is_double_sum W s r j : j < n ->
  snd (sweep W s r) j = double_sum W [] s r j.
Proof.
revert j; induction s as [|[d u] s IH]; intros j H; simpl.
- symmetry; now apply row_identity.
- destruct (sweep W s r) as [deltas r'] eqn:E; simpl in *.
  rewrite memo_in by easy.
  rewrite double_sum_head, row_product, <- row_plus.
  unfold row, jacobian; apply sum_ext; intros i Hi.
  rewrite memo_in by easy.
  replace (sum n (fun i0 => u i0 * identity i0 i)) with (u i).
  2:{ symmetry. now apply row_identity. }
  rewrite IH by easy; ring.
Qed.

(** Each delta_s is the row of slopes times u_s plus the double sum over the later times. *)
Theorem delta_is_double_sum W s r past d u later i :
  s = past ++ (d, u) :: later -> i < n ->
  nth (length past) (fst (sweep W s r)) (fun _ => zero) i
  = d i * (u i + double_sum W [] later r i).
Proof.
intros -> Hi; induction past as [|[d' u'] past IH]; simpl.
- destruct (sweep W later r) as [deltas r'] eqn:E; simpl.
  rewrite memo_in, <- sweep_is_double_sum, E by easy; reflexivity.
- destruct (sweep W (past ++ (d, u) :: later) r) as [deltas r']; simpl in *.
  exact IH.
Qed.

(** *** The gradient as the double sum *)
Definition pairs p (ms : list moment) := map (fun t => (slopes t, back p t)) ms.
(** The sum over s of [the double sum over t from s on] times w_s, for the i-th pre-activation:
    the term of s itself is u_s, that of a later t is u_t J_t ... J_{s+1}. *)
Fixpoint by_double_sum p (ms : list moment) (r : vec) (w : moment -> K) (i : nat) : K :=
  match ms with
  | [] => zero
  | t :: ms =>
      slopes t i * (back p t i + double_sum (W_aa p) [] (pairs p ms) r i) * w t
      + by_double_sum p ms r w i
  end.

Lemma weighted_sum p ms r w i : i < n ->
  total (fun md => snd md i * w (fst md))
        (combine ms (fst (sweep (W_aa p) (pairs p ms) r)))
  = by_double_sum p ms r w i.
Proof.
intros Hi; induction ms as [|t ms IH]; simpl; [reflexivity|].
assert (E := sweep_is_double_sum (W_aa p) (pairs p ms) r i Hi).
fold (pairs p ms). destruct (sweep (W_aa p) (pairs p ms) r) as [deltas r']; simpl in *.
now rewrite IH, memo_in, E by easy.
Qed.

Theorem gradient_is_double_sum p s r a i j q :
  let ms := forward p s a in
  let G := fst (backward p s r a) in
  (i < n -> W_aa G i j = by_double_sum p ms r (fun t => before t j) i) /\
  (i < n -> W_ax G i j = by_double_sum p ms r (fun t => input t j) i) /\
  (i < n -> b_a G i = by_double_sum p ms r (fun _ => one) i) /\
  W_ya G q i = total (fun t => e t q * after t i) ms /\
  b_y G q = total (fun t => e t q) ms.
Proof.
intros ms G. unfold G, backward. fold ms. fold (pairs p ms).
assert (E := fun w Hi => weighted_sum p ms r w i Hi).
destruct (sweep (W_aa p) (pairs p ms) r) as [deltas r']; simpl in *.
refine (conj _ (conj _ (conj _ (conj _ _)))); trivial; intros Hi.
- exact (E (fun t => before t j) Hi).
- exact (E (fun t => input t j) Hi).
- rewrite <- (E (fun _ => one) Hi). apply total_ext; intros; ring.
Qed.
End Ring.
End Algorithm.
