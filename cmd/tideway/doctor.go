package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/alecthomas/kong"

	"tideway/internal/bus"
	"tideway/live"
)

type doctorCmd struct {
	Data string `env:"TIDEWAY_DATA_DIR" help:"Data folder, of a service or yet to come: its disk is tried and its history read back and compared with its checksums. Default the system's temporary folder."`
}

// Run tries what a service needs of this machine and prints what it found. It
// fails when something is missing.
func (c *doctorCmd) Run(k *kong.Context) error {
	checks := []struct {
		name string
		try  func() (string, error)
	}{
		{"program", func() (string, error) { return version(), nil }},
		{"cores", func() (string, error) {
			return fmt.Sprintf("%d usable, %s", runtime.GOMAXPROCS(0), runtime.GOARCH), nil
		}},
		{"time zones", timeZones},
		{"loopback", loopback},
		{"durable log", c.durableLog},
		{"history", c.history},
	}
	var failed error
	for _, check := range checks {
		found, err := check.try()
		say(k.Stdout, check.name, found, err)
		failed = errors.Join(failed, err)
	}
	return failed
}

func say(out io.Writer, name, found string, err error) {
	if err != nil {
		fmt.Fprintf(out, "FAIL  %-12s %v\n", name, err)
		return
	}
	fmt.Fprintf(out, "ok    %-12s %s\n", name, found)
}

func timeZones() (string, error) {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		return "", err
	}
	return "known; Rome has " + time.Now().In(zone).Format("15:04"), nil
}

func loopback() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "can listen", ln.Close()
}

// history compares every file of the data folder's history with its checksum.
func (c *doctorCmd) history() (string, error) {
	dir := filepath.Join(c.Data, "readings")
	if _, err := os.Stat(dir); c.Data == "" || errors.Is(err, os.ErrNotExist) {
		return "none there", nil
	}
	files, err := live.VerifyHistory(dir)
	return fmt.Sprintf("%d files, all as they were written", files), err
}

// durableLog starts the embedded log in a folder of its own and times messages
// that are acknowledged only when they are on disk.
func (c *doctorCmd) durableLog() (_ string, err error) {
	dir, err := os.MkdirTemp(c.Data, "tideway-doctor-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := bus.Start(bus.Options{Dir: dir})
	if err != nil {
		return "", err
	}
	defer b.Stop()
	log, err := b.Log(context.Background(), "DOCTOR")
	if err != nil {
		return "", err
	}
	const messages = 50
	begin := time.Now()
	for range messages {
		if _, err := log.Append(context.Background(), make([]byte, 64<<10)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("syncs every write; 64 KiB in %.1f ms", time.Since(begin).Seconds()*1000/messages), nil
}
