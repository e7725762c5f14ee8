// The judge of tests/interop/test_tlog.py: signed notes and tiles as golang.org/x/mod/sumdb reads them.
//
//	open VKEY          opens the note on standard input with an Ed25519 key and prints its text
//	cosigned VKEY      opens it with a witness's key (type 0x04, cosignature/v1), written here from the specification
//	sign NAME TEXT     makes a key, prints its vkey, and a note signed with it
//	tiles DIR OLD NEW  reads the tiles of a SHA-256 tree from DIR, checks every record's proof and the growth OLD to NEW
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type witness struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.id }
func (w witness) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(w.key, append([]byte(head), text...), sig[8:])
}

func parseWitness(vkey string) (witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return witness{}, errors.New("no vkey")
	}
	id, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return witness{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return witness{}, errors.New("no cosigner key")
	}
	return witness{parts[0], uint32(id), raw[1:]}, nil
}

func open(verifier note.Verifier) error {
	content, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	opened, err := note.Open(content, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	fmt.Print(opened.Text)
	return nil
}

func sign(name, text string) error {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	content, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s", public, content)
	return nil
}

// folder reads tiles by the paths of C2SP tlog-tiles, which lack the height that sumdb puts in.
type folder string

func (folder) Height() int                     { return 8 }
func (folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func root(dir string, size int64) (tlog.Tree, error) {
	content, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("root-%d", size)))
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(strings.TrimSpace(string(content)))
	return tlog.Tree{N: size, Hash: hash}, err
}

func tiles(dir, oldSize, newSize string) error {
	from, err := strconv.ParseInt(oldSize, 10, 64)
	if err != nil {
		return err
	}
	to, err := strconv.ParseInt(newSize, 10, 64)
	if err != nil {
		return err
	}
	old, err := root(dir, from)
	if err != nil {
		return err
	}
	tree, err := root(dir, to)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, folder(dir))
	for n := int64(0); n < to; n++ {
		proof, err := tlog.ProveRecord(to, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, to, tree.Hash, n, tlog.RecordHash([]byte(strconv.FormatInt(n, 10)))); err != nil {
			return err
		}
	}
	grown, err := tlog.ProveTree(to, from, reader)
	if err != nil {
		return err
	}
	for _, hash := range grown {
		fmt.Println(hash)
	}
	return tlog.CheckTree(grown, to, tree.Hash, from, old.Hash)
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "open":
		verifier, err := note.NewVerifier(args[1])
		if err != nil {
			return err
		}
		return open(verifier)
	case len(args) == 2 && args[0] == "cosigned":
		verifier, err := parseWitness(args[1])
		if err != nil {
			return err
		}
		return open(verifier)
	case len(args) == 3 && args[0] == "sign":
		return sign(args[1], args[2])
	case len(args) == 4 && args[0] == "tiles":
		return tiles(args[1], args[2], args[3])
	}
	return errors.New("usage: tlog open|cosigned|sign|tiles …")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
