"""The table of operators: every form that was compared with ONNX, and nothing else, reaches the engine.

A line is: operators | versions | inputs | attributes. It is written of opset 17, which every model is brought to first.

    versions    the operator's own versions that were compared, as the opsets name them
    inputs      F floats, I integers, B truths, T any of them; c constant; ? may be left out; * any number of the last
    attributes  name: any value; name=a/b: these; =ones, =zeros, =plain (no letter twice in a term, and some result)

What is in no line is refused, also an attribute that a later opset adds. Operators without inputs here are always
written in other operators (docs/operators.md says how); where they cannot be, they are refused.
"""

from __future__ import annotations

OPSETS = (7, 23)  #: the least and the greatest that is read

TABLE = """
Abs Exp Floor Ceil Log Neg Reciprocal Sqrt Sigmoid Tanh       | 6 13    | F |
Relu                                                          | 6 13 14 | F |
Acos Asin Atan Cos Sin Tan                                    | 7 22    | F |
Acosh Asinh Atanh Cosh Sinh                                   | 9 22    | F |
Erf Sign                                                      | 9 13    | F |
Softplus Softsign                                             | 1 22    | F |
Round                                                         | 11 22   | F |
HardSwish                                                     | 14 22   | F |
Identity                                                      | 1 13 14 16 19 21 23 | T |
Elu                                                           | 6 22    | F | alpha
LeakyRelu                                                     | 6 16    | F | alpha
ThresholdedRelu                                               | 10 22   | F | alpha
Selu                                                          | 6 22    | F | alpha gamma
HardSigmoid                                                   | 6 22    | F | alpha beta
Shrink                                                        | 9       | F | lambd bias
Clip                                                          | 6 11 12 13 | F cF? cF? |

Add Sub Mul                                                   | 7 13 14 | FI FI |
Div                                                           | 7 13 14 | F F |
Max Min                                                       | 6 8 12 13 | F F |
Pow                                                           | 7 12 13 15 | F F |
PRelu                                                         | 7 9 16  | F cF |
MatMul                                                        | 1 9 13  | F F |
Gemm                                                          | 7 9 11 13 | F F F? | alpha beta transA transB
Einsum                                                        | 12      | F F? | equation=plain

Greater Less                                                  | 7 9 13  | FI FI |
GreaterOrEqual LessOrEqual                                    | 12 16   | FI FI |
Not                                                           | 1       | B |
And Or Xor                                                    | 7       | B B |
Where                                                         | 9 16    | B F F |

ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceSumSquare | 1 11 13 18 | F | axes keepdims
ReduceMax ReduceMin                                           | 1 11 12 13 18 20 | F | axes keepdims
ReduceSum                                                     | 1 11 13 | F cI | keepdims
ArgMax ArgMin                                                 | 1 11 12 13 | F | axis keepdims select_last_index=0
CumSum                                                        | 11 14   | F cI | exclusive=0 reverse=0
TopK                                                          | 1 10 11 | F cI | axis largest sorted

Softmax Hardmax                                               | 1 11 13 | F | axis
BatchNormalization                                            | 7 9 14 15 | F cF cF cF cF | epsilon
InstanceNormalization                                         | 6 22    | F cF cF | epsilon
LayerNormalization                                            | 17      | F cF cF? | axis epsilon stash_type=1

Flatten                                                       | 1 9 11 13 21 23 | T | axis
Transpose                                                     | 1 13 21 23 | T | perm
Reshape                                                       | 5 13 14 19 21 23 | T cI |
Squeeze                                                       | 1 11 13 21 23 | T cI? |
Unsqueeze                                                     | 1 11 13 21 23 | T cI |
Concat                                                        | 4 11 13 | T* | axis
Split                                                         | 2 11 13 18 | T cI | axis
Slice                                                         | 1 10 11 13 | T cI cI cI? cI? |
Expand                                                        | 8 13    | T cI |
Pad                                                           | 2 11 13 18 19 21 23 | F cI cF? | mode=constant
DepthToSpace                                                  | 1 11 13 | F | blocksize mode
SpaceToDepth                                                  | 1 13    | F | blocksize
Gather                                                        | 1 11 13 | T I | axis
GatherElements                                                | 11 13   | F I | axis
OneHot                                                        | 9 11    | I cI cT | axis
Cast                                                          | 6 9 13 19 21 23 | FI | to=FLOAT

MaxPool                                                       | 1 8 10 11 12 22 | F | kernel_shape strides
AveragePool                                                   | 7 10 11 19 22 | F | kernel_shape strides
GlobalAveragePool                                             | 1 22    | F |
Conv          | 1 11 22 | F cF cF? | auto_pad group kernel_shape pads strides
ConvTranspose | 1 11 22 | F cF cF? | auto_pad=NOTSET/VALID group=1 kernel_shape output_padding=zeros pads strides

CastLike                                                      | 15 19 21 23
Celu                                                          | 12
Trilu                                                         | 14
Compress                                                      | 9 11
Dropout                                                       | 7 10 12 13 22
Equal                                                         | 7 11 13 19
GatherND                                                      | 11 12 13
GlobalLpPool                                                  | 2 22
GlobalMaxPool                                                 | 1 22
LpNormalization                                               | 1 22
LpPool                                                        | 2 11 18 22
LogSoftmax                                                    | 1 11 13
LRN                                                           | 1 13
Mean Sum                                                      | 6 8 13
Mod                                                           | 10 13
ReduceProd                                                    | 1 11 13 18
Resize                                                        | 10 11 13 18 19
ReverseSequence                                               | 10
ScatterElements ScatterND                                     | 11 13 16 18
Tile                                                          | 6 13
Upsample                                                      | 7 9
"""

#: What to do instead of a form that is refused.
INSTEAD = {
    "Cast": "keep numbers as floats; a cast to integers is read where it is cast back to floats at once",
    "Conv": "use constant weights",
    "ConvTranspose": "use constant weights",
    "Einsum": "write it with MatMul, Transpose and ReduceSum; a letter may stand once in a term",
    "Gather": "use constant indices, or the result of ArgMax",
    "IsInf": "leave it out: a circuit holds finite numbers only",
    "IsNaN": "leave it out: a circuit holds finite numbers only",
    "NonZero": "the size of its result depends on the input; use Where, or compute it outside of the model",
    "Pow": "use a constant exponent, or a constant base that is one number",
    "Split": "split by constant sizes",
    "TopK": "use the values only, or ArgMax for the place of the largest",
}
