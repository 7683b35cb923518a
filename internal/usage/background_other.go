//go:build !linux

package usage

// Background runs f; on Linux at low priority.
func Background(f func()) { f() }
