(** Back-propagation through time is the derivative: over the reals, for all sizes n, m, k, all
    lengths, every differentiable activation and every differentiable loss of the outputs. *)
From Coq Require Import Reals List Lia Lra.
From Coquelicot Require Import Coquelicot.
From rnn Require Import bptt.
Import ListNotations.
Local Open Scope R_scope.

Notation vec := (nat -> R).
Notation par := (params R).
Notation Sum := (sum R 0 Rplus).

Lemma Sum_plus n f h : Sum n (fun i => f i + h i) = Sum n f + Sum n h.
Proof. exact (sum_plus R 0 Rplus Rmult 1 Rminus Ropp RTheory n f h). Qed.
Lemma Sum_scal n c f : Sum n (fun i => c * f i) = c * Sum n f.
Proof. exact (sum_scal R 0 Rplus Rmult 1 Rminus Ropp RTheory n c f). Qed.
Lemma Sum_swap n m f :
  Sum n (fun i => Sum m (fun j => f i j)) = Sum m (fun j => Sum n (fun i => f i j)).
Proof. exact (sum_swap R 0 Rplus Rmult 1 Rminus Ropp RTheory n m f). Qed.
Lemma Sum_0 n : Sum n (fun _ => 0) = 0.
Proof. exact (sum_0 R 0 Rplus Rmult 1 Rminus Ropp RTheory n). Qed.
Lemma Sum_ext n f h : (forall i, (i < n)%nat -> f i = h i) -> Sum n f = Sum n h.
Proof. exact (sum_ext R 0 Rplus n f h). Qed.

Lemma derive_Sum n (f : nat -> R -> R) (d : vec) h :
  (forall i, (i < n)%nat -> is_derive (f i) h (d i)) ->
  is_derive (fun h => Sum n (fun i => f i h)) h (Sum n d).
Proof.
intros H; induction n; simpl.
- apply @is_derive_const.
- apply @is_derive_plus; [apply IHn; intros; apply H|apply H]; lia.
Qed.
Lemma derive_times (f g : R -> R) h df dg :
  is_derive f h df -> is_derive g h dg -> is_derive (fun h => f h * g h) h (df * g h + f h * dg).
Proof. intros Hf Hg; apply (is_derive_mult f g h df dg Hf Hg); intros; apply Rmult_comm. Qed.

(** The adjoint step: what multiplies the old tangents d goes into the transposed product. *)
Lemma transpose k n (u y d : vec) (A B : nat -> vec) :
  Sum k (fun q => u q * Sum n (fun i => A q i * y i + B q i * d i))
  = Sum k (fun q => Sum n (fun i => u q * y i * A q i))
    + Sum n (fun i => Sum k (fun q => u q * B q i) * d i).
Proof.
rewrite (Sum_ext n (fun i => Sum k (fun q => u q * B q i) * d i)
                   (fun i => Sum k (fun q => u q * B q i * d i))).
2:{ intros i _; rewrite Rmult_comm, <- Sum_scal; apply Sum_ext; intros; ring. }
rewrite (Sum_swap n k), <- Sum_plus; apply Sum_ext; intros q _.
rewrite <- Sum_scal, <- Sum_plus; apply Sum_ext; intros i _; ring.
Qed.
Lemma Sum2_plus n m (A B C : nat -> vec) :
  Sum n (fun i => Sum m (fun j => (A i j + B i j) * C i j))
  = Sum n (fun i => Sum m (fun j => A i j * C i j)) + Sum n (fun i => Sum m (fun j => B i j * C i j)).
Proof.
rewrite <- Sum_plus; apply Sum_ext; intros i _.
rewrite <- Sum_plus; apply Sum_ext; intros j _; ring.
Qed.
Lemma Sum1_plus n (A B C : vec) :
  Sum n (fun i => (A i + B i) * C i) = Sum n (fun i => A i * C i) + Sum n (fun i => B i * C i).
Proof. rewrite <- Sum_plus; apply Sum_ext; intros i _; ring. Qed.

Section Theorem_.
Variables (n m k : nat) (g : R -> R) (dg : R -> R -> R).
Hypothesis Dg : forall z, is_derive g z (dg z (g z)).
Notation Memo := (memo R 0).
Notation Pre := (pre R 0 Rplus Rmult n m).
Notation Out := (out R 0 Rplus Rmult n).
Notation Loss := (loss R 0 Rplus Rmult n m k g).
Notation Back := (backward R 0 Rplus Rmult n m k g dg).
Notation Inner := (inner R 0 Rplus Rmult n m k).

(** dell is the derivative of the loss ell of one time: it is right along every differentiable
    curve of outputs. *)
Definition differentiable (t : time R) := forall (o : R -> vec) h d,
  (forall q, (q < k)%nat -> is_derive (fun h => o h q) h (d q)) ->
  is_derive (fun h => ell R t (o h)) h
    (Sum k (fun q => dell R t (o h) q * d q)).

(** A curve of parameters that has the tangent q at h. *)
Definition moves (p : R -> par) (h : R) (q : par) :=
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun h => W_aa _ (p h) i j) h (W_aa _ q i j)) /\
  (forall i j, (i < n)%nat -> (j < m)%nat -> is_derive (fun h => W_ax _ (p h) i j) h (W_ax _ q i j)) /\
  (forall i, (i < n)%nat -> is_derive (fun h => b_a _ (p h) i) h (b_a _ q i)) /\
  (forall i j, (i < k)%nat -> (j < n)%nat -> is_derive (fun h => W_ya _ (p h) i j) h (W_ya _ q i j)) /\
  (forall i, (i < k)%nat -> is_derive (fun h => b_y _ (p h) i) h (b_y _ q i)).

Definition dPre (p q : par) a y da i :=
  Sum n (fun j => W_aa _ q i j * a j + W_aa _ p i j * da j)
  + Sum m (fun j => W_ax _ q i j * y j) + b_a _ q i.
Definition dOut (p q : par) a da j :=
  Sum n (fun i => W_ya _ q j i * a i + W_ya _ p j i * da i) + b_y _ q j.

Lemma derive_Pre p h q y a da i : moves p h q -> (i < n)%nat ->
  (forall j, (j < n)%nat -> is_derive (fun h => a h j) h (da j)) ->
  is_derive (fun h => Pre (p h) (a h) y i) h (dPre (p h) q (a h) y da i).
Proof.
intros (H1 & H2 & H3 & _) Hi Ha; unfold pre, dPre.
apply @is_derive_plus; [apply @is_derive_plus|now apply H3].
- apply (derive_Sum n (fun j h => W_aa _ (p h) i j * a h j)); intros j Hj.
  apply derive_times; auto.
- apply (derive_Sum m (fun j h => W_ax _ (p h) i j * y j)); intros j Hj.
  evar_last; [apply derive_times; [now apply H2|apply @is_derive_const]|].
  unfold zero; simpl; ring.
Qed.

Lemma derive_Out p h q a da j : moves p h q -> (j < k)%nat ->
  (forall i, (i < n)%nat -> is_derive (fun h => a h i) h (da i)) ->
  is_derive (fun h => Out (p h) (a h) j) h (dOut (p h) q (a h) da j).
Proof.
intros (_ & _ & _ & H4 & H5) Hj Ha; unfold out, dOut.
apply @is_derive_plus; [|now apply H5].
apply (derive_Sum n (fun i h => W_ya _ (p h) j i * a h i)); intros i Hi.
apply derive_times; auto.
Qed.

Lemma derive_memo N (f : R -> vec) h (d : vec) i : (i < N)%nat ->
  is_derive (fun h => f h i) h (d i) -> is_derive (fun h => Memo N (f h) i) h (d i).
Proof.
intros Hi; apply is_derive_ext; intros t. symmetry; now apply memo_in.
Qed.

Theorem bptt_is_the_derivative s : List.Forall differentiable s ->
  forall (p : R -> par) h q r (a : R -> vec) da, moves p h q ->
  (forall j, (j < n)%nat -> is_derive (fun h => a h j) h (da j)) ->
  is_derive (fun h => Loss (p h) s r (a h)) h
    (Inner (fst (Back (p h) s r (a h))) q
     + Sum n (fun j => snd (Back (p h) s r (a h)) j * da j)).
Proof.
induction 1 as [|t s Ht _ IH]; intros p h q r a da Hp Ha.
- simpl. evar_last.
  + apply (derive_Sum n (fun j h => r j * a h j) (fun j => r j * da j)); intros j Hj.
    evar_last; [apply derive_times; [apply @is_derive_const|now apply Ha]|].
    unfold zero; simpl; ring.
  + unfold inner; simpl.
    assert (Z : forall N f, Sum N (fun i => 0 * f i) = 0) by (intros; rewrite Sum_scal; ring).
    rewrite !Z, !(Sum_ext _ (fun i => Sum _ (fun j => 0 * _)) (fun _ => 0)), !Sum_0
      by (intros; apply Z).
    ring.
- set (z := Memo n (Pre (p h) (a h) (x _ t))).
  set (a1 := fun h => Memo n (fun i => g (Memo n (Pre (p h) (a h) (x _ t)) i))).
  set (da1 := fun i => dg (z i) (a1 h i) * dPre (p h) q (a h) (x _ t) da i).
  assert (Ha1 : forall i, (i < n)%nat -> is_derive (fun h => a1 h i) h (da1 i)).
  { intros i Hi.
    apply (derive_memo n (fun h i => g (Memo n (Pre (p h) (a h) (x _ t)) i)) h da1 i Hi).
    unfold da1, a1; rewrite memo_in by easy; fold z; evar_last.
    - apply (is_derive_comp g (fun h => Memo n (Pre (p h) (a h) (x _ t)) i)); [apply Dg|].
      apply (derive_memo n (fun h => Pre (p h) (a h) (x _ t)) h
        (dPre (p h) q (a h) (x _ t) da) i Hi).
      now apply derive_Pre.
    - unfold scal; simpl; unfold mult; simpl; fold z; ring. }
  specialize (IH p h q r a1 da1 Hp Ha1).
  set (o := fun h => Memo k (Out (p h) (a1 h))).
  assert (Ho : forall j, (j < k)%nat ->
    is_derive (fun h => o h j) h (dOut (p h) q (a1 h) da1 j)).
  { intros j Hj.
    apply (derive_memo k (fun h => Out (p h) (a1 h)) h (dOut (p h) q (a1 h) da1) j Hj).
    now apply derive_Out. }
  set (e := Memo k (dell _ t (o h))).
  (* what one more time does to the sweep and to the sums *)
  change (Back (p h) (t :: s) r (a h)) with
    (let ms := forward R 0 Rplus Rmult n m k g (p h) s (a1 h) in
     let (deltas, r_0) := sweep R 0 Rplus Rmult n (W_aa _ (p h))
       ((slopes R 0 n dg (Moment R (a h) (x _ t) z (a1 h) e),
         back R 0 Rplus Rmult n k (p h) (Moment R (a h) (x _ t) z (a1 h) e)) ::
        map (fun t => (slopes R 0 n dg t, back R 0 Rplus Rmult n k (p h) t)) ms) r in
     (sums R 0 Rplus Rmult (Moment R (a h) (x _ t) z (a1 h) e :: ms) deltas, r_0)).
  unfold backward in IH |- *; simpl in IH |- *.
  set (ms := forward R 0 Rplus Rmult n m k g (p h) s (a1 h)) in *.
  destruct (sweep R 0 Rplus Rmult n (W_aa _ (p h))
    (map (fun t => (slopes R 0 n dg t, back R 0 Rplus Rmult n k (p h) t)) ms) r)
    as [deltas r1]; simpl in IH |- *.
  set (G := sums R 0 Rplus Rmult ms deltas) in *.
  set (delta := Memo n (fun i => slopes R 0 n dg (Moment R (a h) (x R t) z (a1 h) e) i
     * (back R 0 Rplus Rmult n k (p h) (Moment R (a h) (x R t) z (a1 h) e) i + r1 i))).
  assert (Hdelta : forall i, (i < n)%nat ->
    delta i = dg (z i) (a1 h i) * (Sum k (fun j => e j * W_ya _ (p h) j i) + r1 i)).
  { intros i Hi; unfold delta; rewrite memo_in by easy; unfold slopes, back; simpl.
    rewrite !memo_in by easy; reflexivity. }
  evar_last.
  + apply @is_derive_plus; [apply (Ht o h _ Ho)|exact IH].
  + unfold Hierarchy.plus; simpl.
    rewrite (Sum_ext k (fun j => dell R t (o h) j * dOut (p h) q (a1 h) da1 j)
                       (fun j => e j * dOut (p h) q (a1 h) da1 j))
      by (intros j Hj; unfold e; rewrite memo_in by easy; reflexivity).
    match goal with |- ?lhs = _ => transitivity (
      Sum n (fun i => Sum n (fun j => (delta i * a h j + W_aa _ G i j) * W_aa _ q i j)) +
      Sum n (fun i => Sum m (fun j => (delta i * x _ t j + W_ax _ G i j) * W_ax _ q i j)) +
      Sum n (fun i => (delta i + b_a _ G i) * b_a _ q i) +
      Sum k (fun j => Sum n (fun i => (e j * a1 h i + W_ya _ G j i) * W_ya _ q j i)) +
      Sum k (fun j => (e j + b_y _ G j) * b_y _ q j) +
      Sum n (fun j => Sum n (fun i => delta i * W_aa _ (p h) i j) * da j)) end.
    2:{ unfold inner; simpl. f_equal.
        apply Sum_ext; intros j Hj. rewrite memo_in by easy. reflexivity. }
    rewrite !Sum2_plus, !Sum1_plus. unfold inner.
    (* what the outputs send back *)
    assert (HE : Sum k (fun j => e j * dOut (p h) q (a1 h) da1 j) =
      Sum k (fun j => Sum n (fun i => e j * a1 h i * W_ya _ q j i))
      + Sum k (fun j => e j * b_y _ q j)
      + Sum n (fun i => Sum k (fun j => e j * W_ya _ (p h) j i) * da1 i)).
    { unfold dOut. rewrite (Sum_ext k _ (fun j => e j * Sum n (fun i =>
        W_ya _ q j i * a1 h i + W_ya _ (p h) j i * da1 i) + e j * b_y _ q j))
        by (intros; ring).
      rewrite Sum_plus, transpose; ring. }
    (* what reaches the pre-activations *)
    assert (HD : Sum n (fun i => Sum k (fun j => e j * W_ya _ (p h) j i) * da1 i)
      + Sum n (fun i => r1 i * da1 i)
      = Sum n (fun i => delta i * dPre (p h) q (a h) (x _ t) da i)).
    { rewrite <- Sum_plus; apply Sum_ext; intros i Hi; rewrite Hdelta by easy.
      unfold da1; ring. }
    (* what they send back to the parameters and to the state before *)
    assert (HP : Sum n (fun i => delta i * dPre (p h) q (a h) (x _ t) da i) =
      Sum n (fun i => Sum n (fun j => delta i * a h j * W_aa _ q i j))
      + Sum n (fun i => Sum m (fun j => delta i * x _ t j * W_ax _ q i j))
      + Sum n (fun i => delta i * b_a _ q i)
      + Sum n (fun j => Sum n (fun i => delta i * W_aa _ (p h) i j) * da j)).
    { unfold dPre. rewrite (Sum_ext n _ (fun i => delta i * Sum n (fun j =>
        W_aa _ q i j * a h j + W_aa _ (p h) i j * da j)
        + Sum m (fun j => delta i * x _ t j * W_ax _ q i j) + delta i * b_a _ q i)).
      - rewrite !Sum_plus, transpose; ring.
      - intros i _. rewrite (Sum_ext m (fun j => delta i * x _ t j * W_ax _ q i j)
          (fun j => delta i * (W_ax _ q i j * x _ t j))), Sum_scal by (intros; ring). ring. }
    simpl in *; lra.
Qed.
End Theorem_.
