package live

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tideway/geo"
	"tideway/internal/bus"
)

// Environment of the kill test.
const (
	envChild = "TIDEWAY_KILL_CHILD" // folder: this process is the one to be killed
	envKills = "TIDEWAY_KILLS"      // how often; 4 without it
)

// TestKilledFeedLosesNothingItAcknowledged kills a process that takes in
// readings, at random moments, while it also seals and writes checkpoints. The
// client sends again what was not acknowledged, under the same keys. In the
// end every reading is there once and every key has one answer.
func TestKilledFeedLosesNothingItAcknowledged(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv(envKills)); err == nil {
		kills = n
	}
	if testing.Short() {
		kills = 1
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	c := &killClient{t: t, dir: dir, unacked: map[string]*Batch{}}
	for round := range kills {
		c.add(round)
		// Most kills come among acknowledgements, some while the child is still restoring.
		acks, late := random.IntN(killBatches), time.Duration(random.IntN(3000))*time.Microsecond
		if round%5 == 4 {
			acks, late = 0, time.Duration(random.IntN(60))*time.Millisecond
		}
		c.session(acks, late)
	}
	c.session(-1, 0)
	if len(c.unacked) != 0 {
		t.Fatalf("%d batches were never acknowledged", len(c.unacked))
	}
	c.verify()
	t.Logf("%d kills, %d batches of %d readings, %d sent again", kills, c.batches, killReadings, c.sent-c.batches)
}

const (
	killSensors  = 5
	killBatches  = 60  // a round
	killReadings = 200 // a batch
)

type killClient struct {
	t             *testing.T
	dir           string
	mu            sync.Mutex
	unacked       map[string]*Batch
	order         []string
	batches, sent int
}

// add makes a round's batches: a minute of each batch is its own, and one in
// five lies far back, so that it goes beside the window.
func (c *killClient) add(round int) {
	for range killBatches {
		n := c.batches
		b := &Batch{Client: fmt.Sprintf("batch-%d", n), Backfill: true}
		for s := range killSensors {
			b.Sensors = append(b.Sensors, fmt.Sprintf("s%05d", s))
		}
		end := noon.Add(-time.Duration(n*killReadings/killSensors) * time.Minute)
		if n%5 == 0 {
			end = end.AddDate(0, -3, 0)
		}
		for i := range killReadings {
			at := end.Add(-time.Duration(i/killSensors) * time.Minute)
			b.Add(uint32(i%killSensors), geo.Flow, at, time.Minute, killValue(i%killSensors, at))
		}
		c.unacked[b.Client] = b
		c.order = append(c.order, b.Client)
		c.batches++
	}
}

func killValue(sensor int, at time.Time) float64 {
	return float64((at.Unix()/60*7 + int64(sensor)) % 900)
}

// session starts the child, sends what is not acknowledged and kills it a
// little after a number of acknowledgements; -1 lets it finish.
func (c *killClient) session(killAfter int, late time.Duration) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envChild+"="+c.dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	var sending sync.WaitGroup
	sending.Go(func() { c.send(in) })
	kill := func() { time.AfterFunc(late, func() { _ = cmd.Process.Kill() }) }
	acks := bufio.NewScanner(out)
	for n := 0; ; n++ {
		if n == killAfter {
			kill()
		}
		if !acks.Scan() {
			break
		}
		c.acked(acks.Text())
	}
	sending.Wait()
	if err := cmd.Wait(); err != nil && killAfter < 0 {
		c.t.Fatal(err)
	}
}

// send writes every batch not yet acknowledged; a dead child breaks the pipe.
func (c *killClient) send(in io.WriteCloser) {
	defer in.Close()
	c.mu.Lock()
	var frames [][]byte
	for _, key := range c.order {
		if b := c.unacked[key]; b != nil {
			frames = append(frames, b.AppendBinary(nil))
		}
	}
	c.sent += len(frames)
	c.mu.Unlock()
	for _, f := range frames {
		if err := binary.Write(in, binary.LittleEndian, uint32(len(f))); err != nil {
			return
		}
		if _, err := in.Write(f); err != nil {
			return
		}
	}
}

func (c *killClient) acked(line string) {
	key, count, _ := strings.Cut(line, " ")
	if count != strconv.Itoa(killReadings) {
		c.t.Errorf("%s: %s readings accepted, want %d", key, count, killReadings)
	}
	c.mu.Lock()
	delete(c.unacked, key)
	c.mu.Unlock()
}

func (c *killClient) verify() {
	b, feed := openKilled(c.t, c.dir)
	defer b.Stop()
	defer feed.Close()
	total := 0
	for s := range killSensors {
		vs, err := feed.History(context.Background(), fmt.Sprintf("s%05d", s), geo.Flow, noon.AddDate(-2, 0, 0), noon)
		if err != nil {
			c.t.Fatal(err)
		}
		for i, v := range vs {
			if v.Value != killValue(s, v.End) || i > 0 && !v.End.After(vs[i-1].End) {
				c.t.Fatalf("sensor %d at %v holds %v, want %v, each end once", s, v.End, v.Value, killValue(s, v.End))
			}
		}
		total += len(vs)
	}
	if want := c.batches * killReadings; total != want {
		c.t.Errorf("%d readings are there, %d were acknowledged", total, want)
	}
	if s := feed.Stats(); s.Accepted != uint64(c.batches*killReadings) || s.Duplicates != 0 || s.Revisions != 0 || s.LogGaps != 0 {
		c.t.Errorf("%+v", s)
	}
	if err := feed.Verify(); err != nil {
		c.t.Error(err)
	}
}

func openKilled(t testing.TB, dir string) (*bus.Bus, *Feed) {
	t.Helper()
	b, err := bus.Start(bus.Options{Dir: filepath.Join(dir, "bus")})
	if err != nil {
		t.Fatal(err)
	}
	log, err := b.Log(context.Background(), "READINGS")
	if err != nil {
		t.Fatal(err)
	}
	feed, err := Open(context.Background(), Options{City: town(t, killSensors), Dir: filepath.Join(dir, "readings"), Log: log, Now: func() time.Time { return noon },
		Retain: 10 * 365 * 24 * time.Hour, Report: func(err error) { t.Log("report:", err) }})
	if err != nil {
		t.Fatal(err)
	}
	return b, feed
}

// killChild is the process to be killed: it puts the batches that come on its
// standard input, four at a time, and prints the keys of those acknowledged.
func killChild(dir string) {
	var t fatal
	b, feed := openKilled(t, dir)
	work := make(chan *Batch)
	var puts, seals sync.WaitGroup
	var out sync.Mutex
	for range 4 {
		puts.Go(func() {
			for batch := range work {
				a, err := feed.Put(context.Background(), batch)
				if err != nil {
					t.Fatal(err)
				}
				out.Lock()
				fmt.Println(batch.Client, a.Accepted)
				out.Unlock()
			}
		})
	}
	done := make(chan struct{})
	seals.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := feed.Seal(context.Background()); err != nil {
					t.Fatal(err)
				}
				if err := feed.Compact(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	readFrames(work)
	puts.Wait()
	close(done)
	seals.Wait()
	feed.Close()
	b.Stop()
}

func readFrames(work chan<- *Batch) {
	defer close(work)
	in := bufio.NewReader(os.Stdin)
	for {
		var n uint32
		if binary.Read(in, binary.LittleEndian, &n) != nil {
			return
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		b, err := DecodeBinary(frame)
		if err != nil {
			return
		}
		work <- b
	}
}

// fatal ends the child on the first error.
type fatal struct{ testing.TB }

func (fatal) Helper()         {}
func (fatal) Log(args ...any) { fmt.Fprintln(os.Stderr, args...) }
func (fatal) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"child:"}, args...)...)
	os.Exit(1)
}
