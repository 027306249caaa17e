package main

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// wrapShape says what a wrap takes: so many chains, each of these slices, with as many outputs and public inputs each.
// What a slice but the first has as public inputs is what the one before it left.
type wrapShape struct {
	Chains int
	Slices [][2]int
}

func (s *wrapShape) parts() int { return s.Chains * len(s.Slices) }

func (s *wrapShape) public(slice int) int { return s.Slices[slice][0] + s.Slices[slice][1] }

// bounds says how many of a part's public values the commitment is of: what a slice begins with is bound by what the one
// before it left.
func (s *wrapShape) bounds(slice int) int {
	if slice > 0 {
		return s.Slices[slice][0]
	}
	return s.public(slice)
}

// bound are those of the public values of each part that the commitment is of.
func bound[Value any](s *wrapShape, public [][]Value) (values []Value) {
	for place, all := range public {
		values = append(values, all[:s.bounds(place%len(s.Slices))]...)
	}
	return values
}

// wrapArithmetic is how parts are verified and public values bound, inside a circuit.
type wrapArithmetic[Key, Part any] interface {
	// digest is of all of a key that verify looks at
	digest(key *Key) (frontend.Variable, error)
	// verify demands Groth16's equation
	verify(part *Part, key *Key) error
	// public returns a part's public values: outputs, then public inputs
	public(part *Part) []frontend.Variable
	commitment(digests, values []frontend.Variable) (frontend.Variable, error)
}

// wrapCircuit says: every part verifies under the key of its slice, every slice begins with what the one before it left,
// and the commitment is of the keys and of all public values.
//
// Keys are part of the witness, so one setup serves all programs of a shape; whoever verifies computes the commitment from
// the keys that it knows.
type wrapCircuit[Key, Part any] struct {
	Commitment frontend.Variable `gnark:",public"`
	Keys       []Key
	Parts      []Part // chain by chain
	shape      *wrapShape
	begin      func(frontend.API) (wrapArithmetic[Key, Part], error)
}

func (c *wrapCircuit[Key, Part]) Define(api frontend.API) error {
	arithmetic, err := c.begin(api)
	if err != nil {
		return err
	}
	var digests []frontend.Variable
	for slice := range c.Keys {
		digest, err := arithmetic.digest(&c.Keys[slice])
		if err != nil {
			return err
		}
		digests = append(digests, digest)
	}
	public := make([][]frontend.Variable, len(c.Parts))
	for place := range c.Parts {
		slice := place % len(c.shape.Slices)
		part := &c.Parts[place]
		if err := arithmetic.verify(part, &c.Keys[slice]); err != nil {
			return err
		}
		public[place] = arithmetic.public(part)
		if slice == 0 {
			continue
		}
		for at, value := range public[place][c.shape.Slices[slice][0]:] {
			api.AssertIsEqual(value, public[place-1][at])
		}
	}
	commitment, err := arithmetic.commitment(digests, bound(c.shape, public))
	if err != nil {
		return err
	}
	api.AssertIsEqual(commitment, c.Commitment)
	return nil
}

func bigOf(value element) *big.Int { return new(big.Int).SetBytes(reversed(value[:])) }

func variablesOf(values []element) []frontend.Variable {
	made := make([]frontend.Variable, len(values))
	for at, value := range values {
		made[at] = bigOf(value)
	}
	return made
}
