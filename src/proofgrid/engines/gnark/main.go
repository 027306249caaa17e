// The engine of proof systems on gnark: one process, one request, one answer.
//
//	proofgrid-gnark COMMAND   a request in JSON on standard input, its files named by their paths
//	                          an answer in JSON on standard output
//
// Whatever a client or a prover made is refused in the answer ({"refused": {"field", "rule"}}), with exit status 0.
// Any other status is the engine's own trouble, told on standard error. Nothing that is secret is ever printed.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/consensys/gnark/logger"
)

// Protocol counts the forms of requests and answers; a host refuses an engine that speaks another.
const Protocol = 1

// Version is that of this program; it is part of what describe says.
const Version = "gnark 0.14.0"

const requestBytesMax = 64 << 20

// Refused says what is wrong with what somebody handed in.
type Refused struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

func (r *Refused) Error() string { return r.Field + ": " + r.Rule }

func refuse(field, rule string, args ...any) error {
	return &Refused{Field: field, Rule: fmt.Sprintf(rule, args...)}
}

type command func(request []byte) (any, error)

var commands = map[string]command{
	"circuit":  asked(describeCircuit),
	"keygen":   asked(generateKeys),
	"keys":     asked(checkKeys),
	"execute":  asked(execute),
	"prove":    asked(prove),
	"verify":   asked(verify),
	"solidity": asked(exportVerifier),
	"words":    asked(words),
	"zkey":     asked(convertKeys),

	"plonk-gates":    asked(describeGates),
	"plonk-setup":    asked(setUp),
	"plonk-lagrange": asked(writeLagrange),
	"plonk-prove":    asked(provePlonk),
	"plonk-verify":   asked(verifyPlonk),
	"plonk-solidity": asked(exportPlonkVerifier),
	"plonk-calldata": asked(contractProof),

	"wrap-keygen": asked(generateWrapKeys),
	"wrap-keys":   asked(checkWrapKeys),
	"wrap-claim":  asked(checkWrapClaim),
	"wrap-check":  asked(checkWrapParts),
	"wrap":        asked(wrap),
	"wrap-verify": asked(verifyWrap),

	"wrap-solidity": asked(exportWrapVerifier),
	"wrap-words":    asked(wrapWords),
}

func main() {
	logger.Disable()
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, input io.Reader, output io.Writer) error {
	if len(arguments) == 1 && arguments[0] == "describe" {
		return json.NewEncoder(output).Encode(map[string]any{"engine": Version, "protocol": Protocol})
	}
	if len(arguments) != 1 || commands[arguments[0]] == nil {
		return fmt.Errorf("usage: proofgrid-gnark COMMAND < request.json; protocol %d", Protocol)
	}
	request, err := io.ReadAll(io.LimitReader(input, requestBytesMax+1))
	if err != nil {
		return err
	}
	if len(request) > requestBytesMax {
		return fmt.Errorf("a request has at most %d bytes", requestBytesMax)
	}
	answer, err := commands[arguments[0]](request)
	var refused *Refused
	if errors.As(err, &refused) {
		answer = map[string]any{"refused": refused}
	} else if err != nil {
		return err
	}
	return json.NewEncoder(output).Encode(answer)
}

// asked makes a command of a function of its request.
func asked[Request any](answer func(*Request) (any, error)) command {
	return func(content []byte) (any, error) {
		var request Request
		if err := json.Unmarshal(content, &request); err != nil {
			return nil, fmt.Errorf("the request is malformed: %w", err)
		}
		return answer(&request)
	}
}

// tellTime reports the progress of what cannot report its own, by processor time out of what it is expected to take, up
// to a share of the whole; until it is stopped.
func tellTime(stage string, expected time.Duration, permilleMost int64) (stop func()) {
	began, done := processorTime(), make(chan struct{})
	go func() {
		for every := time.NewTicker(time.Second); ; {
			select {
			case <-done:
				every.Stop()
				return
			case <-every.C:
				share := int64(processorTime()-began) * permilleMost / max(1, int64(expected))
				progress(stage, int(min(share, permilleMost)))
			}
		}
	}()
	return func() { close(done) }
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // cannot fail
	return time.Duration(used.Utime.Nano())
}

func progress(stage string, permille int) {
	fmt.Fprintf(os.Stderr, "progress %s %d\n", stage, permille)
}
