package main

import (
	"math/bits"

	"github.com/consensys/gnark/frontend"
)

// sha256Bits is SHA-256 inside a circuit, of bits that are known to be bits: about 27,000 constraints for 64 bytes.
// gnark's own looks bytes up in two tables, which cost as much as five such blocks.
type sha256Bits struct{ api frontend.API }

// sha256Word has its least significant bit first.
type sha256Word [32]frontend.Variable

// sum returns the digest of whole bytes, both with the most significant bit first.
func (h sha256Bits) sum(content []frontend.Variable) []frontend.Variable {
	length := uint64(len(content))
	content = append(append([]frontend.Variable{}, content...), 1)
	for len(content)%512 != 448 {
		content = append(content, 0)
	}
	for at := 63; at >= 0; at-- {
		content = append(content, length>>at&1)
	}
	var state [8]sha256Word
	for at, value := range sha256Start {
		state[at] = sha256Constant(value)
	}
	for len(content) > 0 {
		state = h.block(state, content[:512])
		content = content[512:]
	}
	var digest []frontend.Variable
	for _, word := range state {
		for at := 31; at >= 0; at-- {
			digest = append(digest, word[at])
		}
	}
	return digest
}

func (h sha256Bits) block(state [8]sha256Word, content []frontend.Variable) [8]sha256Word {
	var words [64]sha256Word
	for at := range words[:16] {
		for bit := range words[at] {
			words[at][bit] = content[32*at+31-bit]
		}
	}
	for at := 16; at < 64; at++ {
		low := h.xor(turned(words[at-15], 7), turned(words[at-15], 18), shifted(words[at-15], 3))
		high := h.xor(turned(words[at-2], 17), turned(words[at-2], 19), shifted(words[at-2], 10))
		words[at] = h.added(words[at-16], low, words[at-7], high)
	}
	now := state
	for at, word := range words {
		a, b, c, d, e, f, g, last := now[0], now[1], now[2], now[3], now[4], now[5], now[6], now[7]
		left := []sha256Word{
			last, h.xor(turned(e, 6), turned(e, 11), turned(e, 25)), h.chosen(e, f, g), sha256Constant(sha256Round[at]), word,
		}
		right := []sha256Word{h.xor(turned(a, 2), turned(a, 13), turned(a, 22)), h.majority(a, b, c)}
		now = [8]sha256Word{h.added(append(right, left...)...), a, b, c, h.added(append(left, d)...), e, f, g}
	}
	for at := range state {
		state[at] = h.added(state[at], now[at])
	}
	return state
}

func (h sha256Bits) xor(a, b, c sha256Word) (made sha256Word) {
	for bit := range made {
		made[bit] = h.api.Xor(h.api.Xor(a[bit], b[bit]), c[bit])
	}
	return made
}

// chosen takes the bits of one where `by` is set, those of the other where not.
func (h sha256Bits) chosen(by, one, other sha256Word) (made sha256Word) {
	for bit := range made {
		made[bit] = h.api.Add(other[bit], h.api.Mul(by[bit], h.api.Sub(one[bit], other[bit])))
	}
	return made
}

func (h sha256Bits) majority(a, b, c sha256Word) (made sha256Word) {
	for bit := range made {
		both := h.api.Mul(b[bit], c[bit])
		made[bit] = h.api.Add(both, h.api.Mul(a[bit], h.api.Sub(h.api.Add(b[bit], c[bit]), both, both)))
	}
	return made
}

// added is the sum of words, modulo 2^32.
func (h sha256Bits) added(words ...sha256Word) (made sha256Word) {
	var terms []frontend.Variable
	for _, word := range words {
		for bit := range word {
			terms = append(terms, h.api.Mul(word[bit], uint64(1)<<bit))
		}
	}
	sum := h.api.Add(terms[0], terms[1], terms[2:]...)
	copy(made[:], h.api.ToBinary(sum, 32+bits.Len(uint(len(words)-1))))
	return made
}

func turned(word sha256Word, by int) (made sha256Word) {
	for bit := range made {
		made[bit] = word[(bit+by)%32]
	}
	return made
}

func shifted(word sha256Word, by int) (made sha256Word) {
	for bit := range made {
		made[bit] = 0
		if bit+by < 32 {
			made[bit] = word[bit+by]
		}
	}
	return made
}

func sha256Constant(value uint32) (made sha256Word) {
	for bit := range made {
		made[bit] = value >> bit & 1
	}
	return made
}

// sha256Start and sha256Round are FIPS 180-4's constants: of the roots of the first primes, the bits behind the point.
var sha256Start = [...]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

var sha256Round = [...]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
