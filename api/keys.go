package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tideway/api/wire"
	"tideway/internal/fault"
)

// Key is an API key as it is kept: the secret itself is never stored.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	SHA256    string     `json:"sha256"` // of the secret, in hex
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// keyPrefix marks a secret as one of ours, so that leak scanners find it.
const keyPrefix = "tideway_"

// Scopes lists the scopes a key can have.
func Scopes() []string {
	return []string{wire.ScopeRead, wire.ScopeIngest, wire.ScopePlan, wire.ScopeAdmin}
}

// LoadKeys reads a keys file. A file that does not exist holds no keys; every
// problem of one that does is returned at once.
func LoadKeys(file string) ([]Key, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	var doc struct {
		Keys []Key `json:"keys"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("reading keys: %s: %w", file, err)
	}
	var bad fault.List
	for _, k := range doc.Keys {
		k.check(file, &bad)
	}
	return doc.Keys, bad.Err("reading keys")
}

func (k Key) check(where string, bad *fault.List) {
	if sum, err := hex.DecodeString(k.SHA256); err != nil || len(sum) != sha256.Size {
		bad.Addf(where, k.ID, "sha256 %q is not %d hex digits", k.SHA256, 2*sha256.Size)
	}
	if len(k.Scopes) == 0 {
		bad.Addf(where, k.ID, "has no scopes, expected some of %v", Scopes())
	}
	for _, s := range k.Scopes {
		if !slices.Contains(Scopes(), s) {
			bad.Addf(where, k.ID, "scope %q is unknown, expected one of %v", s, Scopes())
		}
	}
}

// SaveKeys writes a keys file that only its owner can read, whole or not at
// all.
func SaveKeys(file string, keys []Key) error {
	raw, err := json.MarshalIndent(map[string]any{"keys": keys}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing keys: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".keys-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing keys: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(raw, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing keys: %w", err)
	}
	return nil
}

// NewKey makes a key and the secret that its holder sends: 256 random bits.
// The secret cannot be had again.
func NewKey(name string, scopes []string, created time.Time, expires *time.Time) (secret string, k Key, err error) {
	var bits [32]byte
	rand.Read(bits[:])
	secret = keyPrefix + base64.RawURLEncoding.EncodeToString(bits[:])
	sum := sha256.Sum256([]byte(secret))
	k = Key{ID: hex.EncodeToString(sum[:4]), Name: name, Scopes: scopes, SHA256: hex.EncodeToString(sum[:]), CreatedAt: created.UTC(), ExpiresAt: expires}
	var bad fault.List
	k.check("key "+name, &bad)
	return secret, k, bad.Err("making a key")
}

// AddKey makes a key and stores it in the file; it returns the secret.
func AddKey(file, name string, scopes []string, created time.Time, expires *time.Time) (secret string, k Key, err error) {
	keys, err := LoadKeys(file)
	if err != nil {
		return "", Key{}, err
	}
	if secret, k, err = NewKey(name, scopes, created, expires); err != nil {
		return "", Key{}, err
	}
	return secret, k, SaveKeys(file, append(keys, k))
}

// RevokeKey removes the key with the given id from the file. A running service
// notices within seconds.
func RevokeKey(file, id string) error {
	keys, err := LoadKeys(file)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.ID == id })
	if len(left) == len(keys) {
		return fmt.Errorf("revoking key %q: no such key in %s", id, file)
	}
	return SaveKeys(file, left)
}

// scopeSet is a set of scopes, bit i is Scopes()[i].
type scopeSet uint8

// grant is what a secret allows.
type grant struct {
	id      string
	scopes  scopeSet
	expires time.Time // zero: never
}

// keyRing finds the grant of a secret. Immutable: a changed file makes a new
// one. Looking up by hash leaks nothing of the secret by its timing.
type keyRing struct{ grants map[[sha256.Size]byte]grant }

func newKeyRing(keys []Key) *keyRing {
	r := &keyRing{grants: make(map[[sha256.Size]byte]grant, len(keys))}
	for _, k := range keys {
		var sum [sha256.Size]byte
		hex.Decode(sum[:], []byte(strings.ToLower(k.SHA256)))
		g := grant{id: k.ID}
		for i, s := range Scopes() {
			if slices.Contains(k.Scopes, s) {
				g.scopes |= 1 << i
			}
		}
		if k.ExpiresAt != nil {
			g.expires = *k.ExpiresAt
		}
		r.grants[sum] = g
	}
	return r
}

// find returns the grant of a secret that is known and has not expired.
func (r *keyRing) find(secret []byte, now time.Time) (grant, bool) {
	g, ok := r.grants[sha256.Sum256(secret)]
	if ok && !g.expires.IsZero() && now.After(g.expires) {
		return grant{}, false
	}
	return g, ok
}

func (g grant) has(scope string) bool {
	i := slices.Index(Scopes(), scope)
	return i >= 0 && g.scopes>>i&1 != 0
}
