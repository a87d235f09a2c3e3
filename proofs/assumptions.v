(** What the theorems rest on: the axioms of Coq's real numbers, classical logic and
    functional extensionality; the statements over a ring rest on none. *)
From rnn Require Import bptt bptt_real bptt_cases.
Locate bptt_is_the_derivative.
Print Assumptions bptt_is_the_derivative.
Locate batch.
Print Assumptions batch.
Locate squared_error_differentiable.
Print Assumptions squared_error_differentiable.
Locate softmax_cross_entropy_differentiable.
Print Assumptions softmax_cross_entropy_differentiable.
Locate cross_entropy_as_defined.
Print Assumptions cross_entropy_as_defined.
Locate tanh_and_squared_error.
Print Assumptions tanh_and_squared_error.
Locate partial_W_aa.
Print Assumptions partial_W_aa.
Locate partial_W_ax.
Print Assumptions partial_W_ax.
Locate partial_b_a.
Print Assumptions partial_b_a.
Locate partial_W_ya.
Print Assumptions partial_W_ya.
Locate partial_b_y.
Print Assumptions partial_b_y.
Locate partial_a_0.
Print Assumptions partial_a_0.
Locate sweep_is_double_sum.
Print Assumptions sweep_is_double_sum.
Locate delta_is_double_sum.
Print Assumptions delta_is_double_sum.
Locate gradient_is_double_sum.
Print Assumptions gradient_is_double_sum.
