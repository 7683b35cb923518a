package live

import (
	"fmt"
	"maps"
	"slices"
)

// Limits of the memory for answers given. A batch repeated after its answer
// was forgotten is judged again, reading by reading: they are duplicates.
const (
	maxAnswers     = 100_000
	maxAnswerBytes = 32 << 20
)

// book remembers the answers to batches with a client key, in the order of the
// log, so that a repeated batch gets its first answer, also after a restart.
// It is rebuilt from checkpoint and log by the same calls that filled it.
type book struct {
	answers map[string]Answer
	order   []string // oldest first, from position begin
	begin   int
	bytes   int
	partial map[string]Answer // of batches whose last piece is not yet logged
	pieces  map[string]int    // readings in those pieces
}

func newBook() *book {
	return &book{answers: map[string]Answer{}, partial: map[string]Answer{}, pieces: map[string]int{}}
}

func (k *book) find(key string) (Answer, bool) {
	a, ok := k.answers[key]
	return a, ok
}

// add enters the verdicts on one piece of a batch.
func (k *book) add(r record) {
	key := r.b.Client
	if key == "" {
		return
	}
	if r.begins() {
		k.partial[key], k.pieces[key] = Answer{}, 0
	}
	a := k.partial[key]
	a.count(r.b, r.verdicts, k.pieces[key])
	if !r.ends() {
		k.partial[key] = a
		k.pieces[key] += r.b.Len()
		return
	}
	delete(k.partial, key)
	delete(k.pieces, key)
	k.settle(key, a)
}

func (k *book) settle(key string, a Answer) {
	if a.Reasons == nil {
		a.Reasons = []ReasonAt{}
	}
	if _, again := k.answers[key]; !again {
		k.order = append(k.order, key)
		k.bytes += weight(key, a)
	}
	k.answers[key] = a
	for len(k.answers) > maxAnswers || k.bytes > maxAnswerBytes && len(k.answers) > 1 {
		oldest := k.order[k.begin]
		k.order[k.begin] = ""
		k.begin++
		k.bytes -= weight(oldest, k.answers[oldest])
		delete(k.answers, oldest)
	}
	if k.begin > len(k.order)/2 {
		k.order, k.begin = append([]string(nil), k.order[k.begin:]...), 0
	}
}

// weight estimates the memory of an answer in bytes.
func weight(key string, a Answer) int {
	n := 160 + 2*len(key) + 48*len(a.ByReason)
	for _, r := range a.Reasons {
		n += 48 + len(r.Sensor)
	}
	return n
}

// bookFile is the book in a checkpoint.
type bookFile struct {
	Keys    []string          `json:"keys"`
	Answers []Answer          `json:"answers"`
	Partial map[string]Answer `json:"partial"`
	Pieces  map[string]int    `json:"pieces"`
}

// file copies the book; answers given never change, those under way do.
func (k *book) file() bookFile {
	f := bookFile{Keys: slices.Clone(k.order[k.begin:]), Partial: map[string]Answer{}, Pieces: maps.Clone(k.pieces)}
	for _, key := range f.Keys {
		f.Answers = append(f.Answers, k.answers[key])
	}
	for key, a := range k.partial {
		a.ByReason = maps.Clone(a.ByReason)
		f.Partial[key] = a
	}
	return f
}

func (f bookFile) book() (*book, error) {
	if len(f.Keys) != len(f.Answers) {
		return nil, fmt.Errorf("reading the answers given: %d keys and %d answers", len(f.Keys), len(f.Answers))
	}
	k := newBook()
	for i, key := range f.Keys {
		k.settle(key, f.Answers[i])
	}
	for key, a := range f.Partial {
		k.partial[key], k.pieces[key] = a, f.Pieces[key]
	}
	return k, nil
}
