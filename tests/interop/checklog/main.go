// Command checklog checks a log with Go's own implementation of signed notes and of transparency logs
// (golang.org/x/mod/sumdb), which shares no line with this project: the checkpoint's signature, every tile
// against the root, every entry against its tile, and the root recomputed from the entries alone.
//
// Usage: checklog RECORDS VKEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// files reads tiles where c2sp.org/tlog-tiles puts them: as sumdb does, without the height.
type files struct{ root string }

func (f files) Height() int { return 8 }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(f.root, path))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

// entries returns the entries of the bundles that a tree of size n has.
func (f files) entries(n int64) (all [][]byte) {
	for start := int64(0); start < n; start += 256 {
		tile := tlog.Tile{H: 8, L: 0, N: start / 256, W: 256}
		if n-start < 256 {
			tile.W = int(n - start)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(f.root, path))
		check(err)
		for i := 0; i < tile.W; i++ {
			size := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+size])
			bundle = bundle[2+size:]
		}
		if len(bundle) != 0 {
			log.Fatalf("%s: %d bytes too many", path, len(bundle))
		}
	}
	return all
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("checklog: ")
	records := files{os.Args[1]}
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)

	signed, err := os.ReadFile(filepath.Join(records.root, "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		log.Fatalf("origin %q is not %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)

	// Through the tiles: the reader refuses one that does not lead to the root.
	tiles := tlog.TileHashReader(tree, records)
	entries := records.entries(size)
	for i, entry := range entries {
		hashes, err := tiles.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		check(err)
		if hashes[0] != tlog.RecordHash(entry) {
			log.Fatalf("entry %d is not in its tile", i)
		}
		proof, err := tlog.ProveRecord(size, int64(i), tiles)
		check(err)
		check(tlog.CheckRecord(proof, size, tree.Hash, int64(i), hashes[0]))
	}

	// From the entries alone.
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		check(err)
		stored = append(stored, hashes...)
	}
	rebuilt, err := tlog.TreeHash(size, reader)
	check(err)
	if rebuilt != tree.Hash {
		log.Fatalf("the entries give root %v, the checkpoint says %v", rebuilt, tree.Hash)
	}
	fmt.Printf("checklog: %d entries, root %v: checkpoint, tiles and entries hold\n", size, tree.Hash)
}
