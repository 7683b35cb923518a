package livecli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// progress tells of the work: one line that rewrites itself on a terminal, a
// line a file elsewhere.
type progress struct {
	out       io.Writer
	terminal  bool
	files, at int
	name      string
	begin     time.Time
	shown     time.Time
}

func newProgress(out io.Writer, files int) *progress {
	p := &progress{out: out, files: files, begin: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) file(name string) {
	p.at++
	p.name = filepath.Base(name)
	if !p.terminal {
		fmt.Fprintf(p.out, "reading %s (%d of %d)\n", p.name, p.at, p.files)
	}
}

func (p *progress) step(r Result) {
	if !p.terminal || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	n := r.Accepted + r.Rejected + r.Duplicates
	fmt.Fprintf(p.out, "\r\033[K%s (%d of %d): %d readings, %.0f a second", p.name, p.at, p.files, n, float64(n)/time.Since(p.begin).Seconds())
}

func (p *progress) problems(err error) {
	if err == nil {
		return
	}
	p.end()
	fmt.Fprintln(p.out, err)
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}
