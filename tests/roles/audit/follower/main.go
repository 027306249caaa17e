// Checks an exported audit log with the packages that Go checks its own checksum database with.
//
// follower DIR VERIFIER [OLD_SIZE OLD_ROOT_BASE64]
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder, key string, old []string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: size, Hash: tlog.Hash(root)}
	hashes := tlog.TileHashReader(tree, files(folder))
	entries, err := entriesOf(folder, size)
	if err != nil {
		return err
	}
	for place, entry := range entries {
		proof, err := tlog.ProveRecord(size, int64(place), hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, size, tree.Hash, int64(place), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", place, err)
		}
	}
	if len(old) == 2 {
		oldSize, _ := strconv.ParseInt(old[0], 10, 64)
		oldRoot, _ := base64.StdEncoding.DecodeString(old[1])
		proof, err := tlog.ProveTree(size, oldSize, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, size, tree.Hash, oldSize, tlog.Hash(oldRoot)); err != nil {
			return err
		}
	}
	fmt.Println(size)
	return nil
}

func entriesOf(folder string, size int64) ([][]byte, error) {
	var found [][]byte
	for number := int64(0); number*256 < size; number++ {
		width := min(size-number*256, 256)
		name := "tile/entries/" + strings.TrimPrefix(tlog.Tile{H: 8, L: 0, N: number, W: int(width)}.Path(), "tile/8/0/")
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		for len(content) > 0 {
			length := int(content[0])<<8 | int(content[1])
			found = append(found, content[2:2+length])
			content = content[2+length:]
		}
	}
	if int64(len(found)) != size {
		return nil, errors.New("entries are missing")
	}
	return found, nil
}

// files reads tiles as tlog-tiles lays them out: its paths are Go's without the height.
type files string

func (folder files) Height() int { return 8 }

func (folder files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(folder), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		found = append(found, content)
	}
	return found, nil
}

func (folder files) SaveTiles([]tlog.Tile, [][]byte) {}
