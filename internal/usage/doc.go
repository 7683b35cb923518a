// Package usage tells what the process has used: CPU time and memory, as the
// stable output of commands and runs reports them.
package usage
