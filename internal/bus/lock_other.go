//go:build !unix

package bus

import "os"

// lockFolder opens the lock file. Systems without flock keep it open, which on
// Windows alone prevents its removal; the operator runs one process a folder.
func lockFolder(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
}
