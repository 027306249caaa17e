package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/big"
	"os"
	"sort"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Inputs are a request's values by signal name, flat, in decimal; all below the modulus.
type Inputs map[string][]string

const (
	wasmField    = "source.wasm"
	limbs        = elementBytes / 4
	pageBytes    = 64 << 10
	witnessPages = 1 << 15 // 2 GiB; the process has its own limit
)

// What circom's programs say through their exceptionHandler.
var exceptions = map[uint32]string{
	1: "a signal is not one of the circuit",
	2: "a signal has more values than the circuit takes",
	3: "a signal is set twice",
	4: "an assertion of the circuit fails",
	5: "the circuit needs more memory than it has",
	6: "a signal has more values than the circuit takes",
}

type exception uint32

// calculate runs circom's program on inputs and returns the values of all wires. The program is a stranger's: it can
// call nothing but five functions that print nothing, and ends with the process's time and memory.
func calculate(curve *curve, wasmPath string, inputs Inputs) (wires []element, err error) {
	err = withProgram(curve, wasmPath, func(loaded *program) error {
		wires, err = loaded.run(inputs)
		return err
	})
	return wires, err
}

func checkProgram(curve *curve, wasmPath string, wires int) error {
	return withProgram(curve, wasmPath, func(loaded *program) error {
		size, err := loaded.call("getWitnessSize")
		if err != nil {
			return loaded.trouble(err)
		}
		if int(size) != wires {
			return refuse(wasmField, "it computes %d wires, the circuit has %d", size, wires)
		}
		return nil
	})
}

func withProgram(curve *curve, wasmPath string, use func(*program) error) error {
	code, err := os.ReadFile(wasmPath)
	if err != nil {
		return err
	}
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(witnessPages))
	defer runtime.Close(ctx)
	if _, err := quietHost(runtime).Instantiate(ctx); err != nil {
		return err
	}
	module, err := runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return refuse(wasmField, "it cannot be loaded: %s", firstLine(err))
	}
	loaded, err := newProgram(ctx, curve, module)
	if err != nil {
		return err
	}
	return use(loaded)
}

func quietHost(runtime wazero.Runtime) wazero.HostModuleBuilder {
	nothing := func() {}
	return runtime.NewHostModuleBuilder("runtime").
		NewFunctionBuilder().WithFunc(func(code uint32) { panic(exception(code)) }).Export("exceptionHandler").
		NewFunctionBuilder().WithFunc(nothing).Export("printErrorMessage").
		NewFunctionBuilder().WithFunc(nothing).Export("writeBufferMessage").
		NewFunctionBuilder().WithFunc(nothing).Export("showSharedRWMemory").
		NewFunctionBuilder().WithFunc(func(uint32) {}).Export("log")
}

type program struct {
	ctx    context.Context
	curve  *curve
	module api.Module
	shared uint32 // where a program exchanges field elements
}

func newProgram(ctx context.Context, curve *curve, module api.Module) (*program, error) {
	made := &program{ctx: ctx, curve: curve, module: module}
	for _, name := range []string{
		"init", "getFieldNumLen32", "getRawPrime", "getInputSize", "getInputSignalSize",
		"setInputSignal", "getWitnessSize", "getWitness", "getSharedRWMemoryStart",
	} {
		if module.ExportedFunction(name) == nil {
			return nil, refuse(wasmField, "it is no program of circom 2: it lacks %s", name)
		}
	}
	if module.Memory() == nil {
		return nil, refuse(wasmField, "it is no program of circom 2: it shows no memory")
	}
	length, err := made.call("getFieldNumLen32")
	if err != nil || length != limbs {
		return nil, refuse(wasmField, "its field elements have not %d words", limbs)
	}
	if made.shared, err = made.call("getSharedRWMemoryStart"); err != nil {
		return nil, refuse(wasmField, "it does not say where it exchanges values")
	}
	if _, err := made.call("getRawPrime"); err != nil {
		return nil, refuse(wasmField, "it does not say its field")
	}
	if prime, ok := module.Memory().Read(made.shared, elementBytes); !ok || string(prime) != string(curve.modulus[:]) {
		return nil, refuse(wasmField, "it is not over the field of its circuit; compile both with --prime %s", curve.prime)
	}
	return made, nil
}

func (p *program) run(inputs Inputs) ([]element, error) {
	if _, err := p.call("init", 1); err != nil {
		return nil, p.trouble(err)
	}
	if err := p.checkSizes(inputs); err != nil {
		return nil, err
	}
	for _, name := range sorted(inputs) {
		high, low := signalHash(name)
		for place, text := range inputs[name] {
			value, err := p.curve.parse(text)
			if err != nil {
				return nil, refuse("inputs."+name, "value %d is %v", place, err)
			}
			if !p.module.Memory().Write(p.shared, value[:]) {
				return nil, refuse(wasmField, "its memory is smaller than it says")
			}
			if _, err := p.call("setInputSignal", high, low, uint64(place)); err != nil {
				return nil, p.trouble(err)
			}
		}
	}
	return p.wires()
}

func (p *program) checkSizes(inputs Inputs) error {
	given := 0
	for _, name := range sorted(inputs) {
		high, low := signalHash(name)
		size, err := p.call("getInputSignalSize", high, low)
		if err != nil {
			return p.trouble(err)
		}
		if int32(size) <= 0 {
			return refuse("inputs."+name, "the circuit has no input of this name")
		}
		if int(size) != len(inputs[name]) {
			return refuse("inputs."+name, "%d values are given, the circuit takes %d", len(inputs[name]), size)
		}
		given += len(inputs[name])
	}
	all, err := p.call("getInputSize")
	if err != nil {
		return p.trouble(err)
	}
	if int(all) != given {
		return refuse("inputs", "%d values are given, the circuit takes %d: an input is missing", given, all)
	}
	return nil
}

func (p *program) wires() ([]element, error) {
	size, err := p.call("getWitnessSize")
	if err != nil {
		return nil, p.trouble(err)
	}
	if uint64(size)*elementBytes > witnessPages*pageBytes {
		return nil, refuse(wasmField, "it has more wires than fit into its memory")
	}
	wires := make([]element, size)
	get := p.module.ExportedFunction("getWitness")
	for place := range wires {
		if _, err := get.Call(p.ctx, uint64(place)); err != nil {
			return nil, p.trouble(err)
		}
		content, ok := p.module.Memory().Read(p.shared, elementBytes)
		if !ok {
			return nil, refuse(wasmField, "its memory is smaller than it says")
		}
		if wires[place], ok = p.curve.element(content); !ok {
			return nil, refuse(wasmField, "it computes what is no element of the field")
		}
	}
	return wires, nil
}

func (p *program) call(name string, arguments ...uint64) (uint32, error) {
	results, err := p.module.ExportedFunction(name).Call(p.ctx, arguments...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return uint32(results[0]), nil
}

func (p *program) trouble(err error) error {
	var code exception
	if errors.As(err, &code) {
		text, known := exceptions[uint32(code)]
		if !known {
			text = fmt.Sprintf("the circuit refuses (%d)", uint32(code))
		}
		return refuse("inputs", "%s", text)
	}
	return refuse(wasmField, "it fails: %s", firstLine(err))
}

func (e exception) Error() string { return fmt.Sprintf("exception %d", uint32(e)) }

func signalHash(name string) (high, low uint64) {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	sum := hash.Sum64()
	return sum >> 32, sum & 0xffffffff
}

// parse reads a field element in decimal, in its one spelling.
func (c *curve) parse(text string) (element, error) {
	number, ok := new(big.Int).SetString(text, 10)
	if !ok || number.String() != text {
		return element{}, errors.New("no integer in decimal")
	}
	if number.Sign() < 0 || number.Cmp(c.id.ScalarField()) >= 0 {
		return element{}, fmt.Errorf("not between 0 and the modulus of %s's scalar field", c.title)
	}
	return littleEndian(number), nil
}

func sorted(inputs Inputs) []string {
	names := make([]string, 0, len(inputs))
	for name := range inputs {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func firstLine(err error) string {
	text := err.Error()
	for place, letter := range text {
		if letter == '\n' {
			return text[:place]
		}
	}
	return text
}
