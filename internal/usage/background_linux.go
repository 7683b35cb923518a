package usage

import (
	"runtime"
	"syscall"
)

// niceness of background work: it gets about a twentieth of a core that
// ordinary work wants too, and all of one that nobody wants.
const niceness = 15

// Background runs f on a thread of its own at low priority and returns when it
// is done. Goroutines that f starts have the ordinary priority. On systems
// other than Linux f merely runs.
func Background(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness)
		f()
	}()
	<-done
}
