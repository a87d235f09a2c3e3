(** What the theorem says of the book's two losses, of a batch, and of each single parameter. *)
From Coq Require Import Reals List Lia Lra Arith FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From rnn Require Import bptt bptt_real.
Import ListNotations.
Local Open Scope R_scope.

Notation Loss := (loss R 0 Rplus Rmult).
Notation Back := (backward R 0 Rplus Rmult).
Notation Inner := (inner R 0 Rplus Rmult).
Notation SquaredError k := (squared_error R 0 Rplus Rmult k 2 Rminus).

(** ** The two losses *)
Lemma derive_shift (f : R -> R) h d y : is_derive f h d -> is_derive (fun h => f h - y) h d.
Proof.
intros H; evar_last; [apply @is_derive_minus; [exact H|apply @is_derive_const]|].
unfold minus, Hierarchy.plus, opp, zero; simpl; ring.
Qed.
Lemma derive_scaled (f : R -> R) h d c : is_derive f h d -> is_derive (fun h => c * f h) h (c * d).
Proof.
intros H; evar_last; [apply derive_times; [apply @is_derive_const|exact H]|].
unfold zero; simpl; ring.
Qed.

Lemma squared_error_differentiable k c g2 dg2 y t :
  (forall o, is_derive g2 o (dg2 o (g2 o))) -> differentiable k (SquaredError k c g2 dg2 y t).
Proof.
intros D2 o h d Ho; simpl.
rewrite (Sum_ext k _ (fun q => c * (2 * (g2 (o h q) - t q) * (dg2 (o h q) (g2 (o h q)) * d q))))
  by (intros; ring).
rewrite Sum_scal. apply derive_scaled.
apply (derive_Sum k (fun q h => (g2 (o h q) - t q) * (g2 (o h q) - t q))); intros q Hq.
assert (E : is_derive (fun h => g2 (o h q) - t q) h (dg2 (o h q) (g2 (o h q)) * d q)).
{ apply derive_shift. evar_last; [apply (is_derive_comp g2 (fun h => o h q)); auto|].
  unfold scal; simpl; unfold mult; simpl; ring. }
evar_last; [exact (derive_times _ _ _ _ _ E E)|simpl; ring].
Qed.

Definition partition k (o : vec) := Sum k (fun j => exp (o j)).
Definition softmax k (o : vec) q := exp (o q) / partition k o.
(** - c sum_q y_q ln softmax(o)_q, written so that no logarithm of a small number is taken. *)
Definition softmax_cross_entropy k c x y := Time R x
  (fun o => c * Sum k (fun q => y q * (ln (partition k o) - o q)))
  (fun o q => c * (Sum k y * softmax k o q - y q)).

Lemma partition_positive k o : (0 < k)%nat -> 0 < partition k o.
Proof.
intros H; unfold partition; induction k as [|k IH]; [lia|]; simpl.
destruct k as [|k].
- simpl; generalize (exp_pos (o 0%nat)); lra.
- apply Rplus_lt_0_compat; [apply IH; lia|apply exp_pos].
Qed.

Lemma cross_entropy_as_defined k c x y o : (0 < k)%nat ->
  ell R (softmax_cross_entropy k c x y) o = - c * Sum k (fun q => y q * ln (softmax k o q)).
Proof.
intros Hk; simpl.
replace (- c * Sum k (fun q => y q * ln (softmax k o q)))
  with (c * (-1 * Sum k (fun q => y q * ln (softmax k o q)))) by ring.
rewrite <- (Sum_scal k (-1)). f_equal. apply Sum_ext; intros q _. unfold softmax, Rdiv.
assert (P := partition_positive k o Hk).
rewrite ln_mult, ln_exp, ln_Rinv by (try apply exp_pos; try apply Rinv_0_lt_compat; exact P).
ring.
Qed.

Lemma softmax_cross_entropy_differentiable k c x y :
  differentiable k (softmax_cross_entropy k c x y).
Proof.
intros o h d Ho; simpl.
destruct (Nat.eq_0_gt_0_cases k) as [->|Hk].
{ simpl. evar_last; [apply derive_scaled, @is_derive_const|unfold zero; simpl; ring]. }
assert (P := partition_positive k (o h) Hk).
rewrite (Sum_ext k (fun q => c * (Sum k y * softmax k (o h) q - y q) * d q)
  (fun q => c * ((Sum k y * softmax k (o h) q - y q) * d q))) by (intros; ring).
rewrite Sum_scal. apply derive_scaled.
set (dln := Sum k (fun j => softmax k (o h) j * d j)).
assert (L : is_derive (fun h => ln (partition k (o h))) h dln).
{ evar_last.
  - apply (is_derive_comp ln (fun h => partition k (o h))); [now apply is_derive_ln|].
    apply (derive_Sum k (fun j h => exp (o h j)) (fun j => exp (o h j) * d j)); intros j Hj.
    evar_last; [apply (is_derive_comp exp (fun h => o h j)); [apply is_derive_exp|now apply Ho]|].
    unfold scal; simpl; unfold mult; simpl; ring.
  - unfold scal; simpl; unfold mult; simpl. unfold dln.
    rewrite Rmult_comm, <- Sum_scal. apply Sum_ext; intros j _. unfold softmax.
    field. lra. }
evar_last.
- apply (derive_Sum k (fun q h => y q * (ln (partition k (o h)) - o h q))
    (fun q => y q * (dln - d q))); intros q Hq.
  apply derive_scaled. evar_last; [apply @is_derive_minus; [exact L|now apply Ho]|].
  unfold minus, Hierarchy.plus, opp; simpl; ring.
- rewrite (Sum_ext k (fun q => y q * (dln - d q)) (fun q => dln * y q + -1 * (y q * d q)))
    by (intros; ring).
  rewrite Sum_plus, !Sum_scal.
  rewrite (Sum_ext k (fun q => (Sum k y * softmax k (o h) q - y q) * d q)
    (fun q => Sum k y * (softmax k (o h) q * d q) + -1 * (y q * d q))) by (intros; ring).
  rewrite Sum_plus, !Sum_scal. unfold dln; ring.
Qed.

(** ** A batch *)
Section Batch.
Variables (n m k : nat) (g : R -> R) (dg : R -> R -> R).
Hypothesis Dg : forall z, is_derive g z (dg z (g z)).

Lemma inner_add p q v : Inner n m k (add_params R Rplus p q) v = Inner n m k p v + Inner n m k q v.
Proof. unfold inner; simpl. rewrite !Sum2_plus, !Sum1_plus. ring. Qed.
Lemma inner_none v : Inner n m k (no_params R 0) v = 0.
Proof.
unfold inner; simpl.
assert (Z : forall N f, Sum N (fun i => 0 * f i) = 0) by (intros; rewrite Sum_scal; ring).
rewrite !Z, !(Sum_ext _ (fun i => Sum _ (fun j => 0 * _)) (fun _ => 0)), !Sum_0 by (intros; apply Z).
ring.
Qed.

(** Each series of the batch has its own r and its own curve of first states. *)
Definition at_h h (one : list (time R) * vec * (R -> vec) * vec) :=
  let '(s, r, a, _) := one in (s, r, a h).
Theorem batch b (p : R -> par) h q : moves n m k p h q ->
  List.Forall (fun '(s, r, a, da) => List.Forall (differentiable k) s /\
    forall j, (j < n)%nat -> is_derive (fun h => a h j) h (da j)) b ->
  is_derive (fun h => loss_of_batch R 0 Rplus Rmult n m k g (p h) (map (at_h h) b)) h
    (Inner n m k (gradient_of_batch R 0 Rplus Rmult n m k g dg (p h) (map (at_h h) b)) q
     + total R 0 Rplus (fun '(s, r, a, da) =>
         Sum n (fun j => snd (Back n m k g dg (p h) s r (a h)) j * da j)) b).
Proof.
intros Hp. induction 1 as [|[[[s r] a] da] b (Hs & Ha) _ IH]; simpl.
- rewrite inner_none. evar_last; [apply @is_derive_const|unfold zero; simpl; ring].
- rewrite inner_add. evar_last.
  + apply @is_derive_plus; [|exact IH].
    exact (bptt_is_the_derivative n m k g dg Dg s Hs p h q r a da Hp Ha).
  + unfold Hierarchy.plus; simpl. ring.
Qed.

(** ** Each single parameter *)
Definition moved (p q : par) (h : R) : par := Params R
  (fun i j => W_aa _ p i j + h * W_aa _ q i j) (fun i j => W_ax _ p i j + h * W_ax _ q i j)
  (fun i => b_a _ p i + h * b_a _ q i) (fun i j => W_ya _ p i j + h * W_ya _ q i j)
  (fun i => b_y _ p i + h * b_y _ q i).

Lemma moved_moves p q : moves n m k (moved p q) 0 q.
Proof.
assert (L : forall u v, is_derive (fun h => u + h * v) 0 v).
{ intros u v; auto_derive; trivial; ring. }
refine (conj _ (conj _ (conj _ (conj _ _)))); intros; apply L.
Qed.
Lemma moved_0 p q : moved p q 0 = p.
Proof.
destruct p; unfold moved; simpl; f_equal; repeat (apply functional_extensionality; intros); ring.
Qed.

Definition one_at i := fun i' : nat => if (i' =? i)%nat then 1 else 0.
Definition one_at2 i j := fun i' j' : nat => if ((i' =? i) && (j' =? j))%nat%bool then 1 else 0.
Definition none1 := fun _ : nat => 0.
Definition none2 := fun _ _ : nat => 0.

Lemma Sum_one N f i : (i < N)%nat -> Sum N (fun j => f j * one_at i j) = f i.
Proof.
intros H. rewrite (Sum_ext N _ (fun j => (if (i =? j)%nat then 1 else 0) * f j)).
- exact (sum_delta R 0 Rplus Rmult 1 Rminus Ropp RTheory N i f H).
- intros j _; unfold one_at; rewrite (Nat.eqb_sym j i); ring.
Qed.
Lemma Sum_one2 N M f i j : (i < N)%nat -> (j < M)%nat ->
  Sum N (fun i' => Sum M (fun j' => f i' j' * one_at2 i j i' j')) = f i j.
Proof.
intros Hi Hj. rewrite (Sum_ext N _ (fun i' => f i' j * one_at i i')).
- now apply (Sum_one N (fun i' => f i' j)).
- intros i' _. unfold one_at2, one_at. destruct (i' =? i)%nat; simpl.
  + rewrite Rmult_1_r. apply (Sum_one M (f i') j Hj).
  + rewrite (Sum_ext M _ (fun _ => 0)), Sum_0 by (intros; ring). ring.
Qed.
Lemma Sum_none N f : Sum N (fun i => f i * none1 i) = 0.
Proof. rewrite (Sum_ext N _ (fun _ => 0)) by (intros; unfold none1; ring). apply Sum_0. Qed.
Lemma Sum_none2 N M f : Sum N (fun i => Sum M (fun j => f i j * none2 i j)) = 0.
Proof.
rewrite (Sum_ext N _ (fun _ => 0)); [apply Sum_0|]. intros i _.
rewrite (Sum_ext M _ (fun _ => 0)) by (intros; unfold none2; ring). apply Sum_0.
Qed.

Section Single.
Variables (s : list (time R)) (p : par) (r a : vec).
Hypothesis Hs : List.Forall (differentiable k) s.
Notation G := (fst (Back n m k g dg p s r a)).
Definition by_moving (q : par) d := is_derive (fun h => Loss n m k g (moved p q h) s r a) 0 d.

Lemma along q : by_moving q (Inner n m k G q).
Proof.
unfold by_moving. evar_last.
- apply (bptt_is_the_derivative n m k g dg Dg s Hs (moved p q) 0 q r (fun _ => a) none1
    (moved_moves p q)). intros j _; exact (is_derive_const (a j) 0).
- rewrite Sum_none, moved_0. ring.
Qed.

Theorem partial_W_aa i j : (i < n)%nat -> (j < n)%nat ->
  by_moving (Params R (one_at2 i j) none2 none1 none2 none1) (W_aa _ G i j).
Proof.
intros Hi Hj; generalize (along (Params R (one_at2 i j) none2 none1 none2 none1)).
unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one2, !Rplus_0_r by easy. trivial.
Qed.
Theorem partial_W_ax i j : (i < n)%nat -> (j < m)%nat ->
  by_moving (Params R none2 (one_at2 i j) none1 none2 none1) (W_ax _ G i j).
Proof.
intros Hi Hj; generalize (along (Params R none2 (one_at2 i j) none1 none2 none1)).
unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one2, !Rplus_0_r, Rplus_0_l by easy. trivial.
Qed.
Theorem partial_b_a i : (i < n)%nat ->
  by_moving (Params R none2 none2 (one_at i) none2 none1) (b_a _ G i).
Proof.
intros Hi; generalize (along (Params R none2 none2 (one_at i) none2 none1)).
unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one, !Rplus_0_r, Rplus_0_l by easy. trivial.
Qed.
Theorem partial_W_ya i j : (i < k)%nat -> (j < n)%nat ->
  by_moving (Params R none2 none2 none1 (one_at2 i j) none1) (W_ya _ G i j).
Proof.
intros Hi Hj; generalize (along (Params R none2 none2 none1 (one_at2 i j) none1)).
unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one2, !Rplus_0_r, Rplus_0_l by easy. trivial.
Qed.
Theorem partial_b_y i : (i < k)%nat ->
  by_moving (Params R none2 none2 none1 none2 (one_at i)) (b_y _ G i).
Proof.
intros Hi; generalize (along (Params R none2 none2 none1 none2 (one_at i))).
unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one, !Rplus_0_r, Rplus_0_l by easy. trivial.
Qed.
(** r_0 is the derivative by the first state. *)
Theorem partial_a_0 i : (i < n)%nat ->
  is_derive (fun h => Loss n m k g p s r (fun j => a j + h * one_at i j)) 0
    (snd (Back n m k g dg p s r a) i).
Proof.
intros Hi. set (none := Params R none2 none2 none1 none2 none1). evar_last.
- apply (bptt_is_the_derivative n m k g dg Dg s Hs (fun _ => p) 0 none r
    (fun h j => a j + h * one_at i j) (one_at i)).
  + refine (conj _ (conj _ (conj _ (conj _ _)))); intros; apply @is_derive_const.
  + intros j _; auto_derive; trivial; ring.
- replace (fun j => a j + 0 * one_at i j) with a
    by (apply functional_extensionality; intros; ring).
  unfold inner; simpl. rewrite !Sum_none2, !Sum_none, Sum_one by easy. ring.
Qed.
End Single.
End Batch.

(** ** The shipped case: tanh, the identity, the mean over time *)
Lemma derive_tanh z : is_derive tanh z (1 - tanh z * tanh z).
Proof.
assert (H : cosh z <> 0).
{ apply Rgt_not_eq; unfold cosh; generalize (exp_pos z) (exp_pos (- z)); lra. }
evar_last.
- apply (is_derive_div sinh cosh z (cosh z) (sinh z)); trivial;
    apply is_derive_Reals; [apply derivable_pt_lim_sinh|apply derivable_pt_lim_cosh].
- unfold tanh; field; trivial.
Qed.

Definition series k (xy : list (vec * vec)) : list (time R) :=
  map (fun '(x, y) => SquaredError k (/ INR (length xy)) (fun o => o) (fun _ _ => 1) x y) xy.

Corollary tanh_and_squared_error n m k xy p q r a :
  is_derive (fun h => Loss n m k tanh (moved p q h) (series k xy) r a) 0
    (Inner n m k (fst (Back n m k tanh (fun z a => 1 - a * a) p (series k xy) r a)) q).
Proof.
apply (along n m k tanh (fun z a => 1 - a * a) derive_tanh (series k xy) p r a).
unfold series; apply Forall_forall; intros t Ht; apply in_map_iff in Ht.
destruct Ht as ([x y] & <- & _); apply squared_error_differentiable.
intros o; exact (is_derive_id o).
Qed.
