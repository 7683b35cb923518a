package twin

import (
	"slices"
	"sync"
)

// listeners are functions that want to know of changes.
type listeners struct {
	mu   sync.Mutex
	list []*func()
}

func (l *listeners) add(f func()) (cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, &f)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, func(g *func()) bool { return g == &f })
	}
}

func (l *listeners) call() {
	l.mu.Lock()
	list := slices.Clone(l.list)
	l.mu.Unlock()
	for _, f := range list {
		(*f)()
	}
}
