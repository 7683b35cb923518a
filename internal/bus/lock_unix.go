//go:build unix

package bus

import (
	"fmt"
	"os"
	"syscall"
)

// lockFolder takes the lock file, so that two processes never write one
// folder; the system releases it when the process ends, however it ends.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is held: another process uses this folder: %w", path, err)
	}
	return f, nil
}
