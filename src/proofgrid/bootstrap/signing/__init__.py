"""A process that holds a gateway's or a prover's keys, signs with them, and does nothing else (docs/decisions/0084).

statements    what it signs: purposes, and the form of what is signed for each
frames        questions and answers, as they go over its socket
process       the process itself: reads keys, confines itself, answers
keeper        how its parent starts it, asks it, and ends with it
signers       its keys, as its parent has them
"""
