package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"tideway/api"
)

// keysCmd manages API keys. Only their hashes are kept.
type keysCmd struct {
	Add    addKeyCmd    `cmd:"" help:"Make a key and print its secret, once."`
	List   listKeysCmd  `cmd:"" help:"List keys."`
	Revoke revokeKeyCmd `cmd:"" help:"Revoke a key; running services notice within seconds."`
}

type keyFile struct {
	Data string `required:"" env:"TIDEWAY_DATA_DIR" help:"Data folder of the service."`
}

func (k keyFile) path() string { return filepath.Join(k.Data, "keys.json") }

type addKeyCmd struct {
	keyFile
	Name  string        `arg:"" help:"Who will use it."`
	Scope []string      `required:"" help:"Any of read, ingest, plan, admin; none implies another."`
	For   time.Duration `help:"Time until it expires; default never."`
}

// Run makes the key.
func (c *addKeyCmd) Run(k *kong.Context) error {
	now := time.Now().UTC()
	var expires *time.Time
	if c.For > 0 {
		t := now.Add(c.For)
		expires = &t
	}
	secret, key, err := api.AddKey(c.path(), c.Name, c.Scope, now, expires)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(k.Stdout, "%s\n", secret)
	fmt.Fprintf(k.Stderr, "key %s of %s may %s; the secret is not kept\n", key.ID, c.Name, strings.Join(c.Scope, ", "))
	return err
}

type listKeysCmd struct{ keyFile }

// Run lists the keys.
func (c *listKeysCmd) Run(k *kong.Context) error {
	keys, err := api.LoadKeys(c.path())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(k.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "id\tname\tscopes\tcreated\texpires")
	for _, key := range keys {
		expires := "never"
		if key.ExpiresAt != nil {
			expires = key.ExpiresAt.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", key.ID, key.Name, strings.Join(key.Scopes, ","), key.CreatedAt.Format(time.RFC3339), expires)
	}
	return w.Flush()
}

type revokeKeyCmd struct {
	keyFile
	ID string `arg:"" help:"As keys list shows it."`
}

// Run revokes the key.
func (c *revokeKeyCmd) Run() error { return api.RevokeKey(c.path(), c.ID) }
