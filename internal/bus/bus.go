// Package bus is the project's one piece of infrastructure: NATS JetStream,
// embedded in the process by default, an external server by URL. The client
// code is the same in both, only the connection differs.
//
// It carries bytes and knows nothing of what they mean: a durable log (Log),
// key-value buckets (Bucket), a work queue (Queue) and live messages (Publish,
// Subscribe). The feed stands on the log, scenarios and catalogue on buckets,
// simulation runs on the queue.
//
// JetStream's own default acknowledges before data reached the disk and loses
// minutes of it on power failure, so an embedded server always syncs and Start
// refuses a server that does not.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPayload is the largest message of the embedded server: one columnar batch
// of 64 Ki readings is under 2 MB, a run's input may be more.
const maxPayload = 32 << 20

// startTimeout bounds the wait for the server to take connections.
const startTimeout = 20 * time.Second

// Options say where the messages live. Exactly one of Dir and URL is set.
type Options struct {
	Dir        string       // folder of the embedded server; made when absent, locked while in use
	URL        string       // external server or cluster, "nats://host:4222"
	Replicas   int          // of every stream on an external cluster; 0 means 1
	AssumeSync bool         // the operator vouches that the external server has sync_interval: always
	Report     func(string) // receives the server's warnings and errors; nil drops them
}

// Bus is a connection to JetStream and, when embedded, its server. Its methods
// are safe for concurrent use.
type Bus struct {
	srv      *server.Server
	lock     *os.File
	nc       *nats.Conn
	js       jetstream.JetStream
	replicas int
}

// ErrNoSync is the reason Start refuses a server: it acknowledges messages
// that a power failure would take back.
var ErrNoSync = errors.New("the server does not sync every write to disk")

// Start connects, starting the embedded server when Options.Dir is set. It
// fails when the folder is in use, when the server cannot be reached, and with
// ErrNoSync.
func Start(o Options) (*Bus, error) {
	if (o.Dir == "") == (o.URL == "") {
		return nil, fmt.Errorf("starting the bus: one of folder and URL must be given, found %q and %q", o.Dir, o.URL)
	}
	b := &Bus{replicas: max(1, o.Replicas)}
	if err := b.start(o); err != nil {
		b.Stop()
		return nil, fmt.Errorf("starting the bus: %w", err)
	}
	return b, nil
}

func (b *Bus) start(o Options) error {
	if o.Dir == "" {
		return b.connect(o.URL, func() error { return b.checkRemoteSync(o.AssumeSync) })
	}
	if err := b.embed(o); err != nil {
		return err
	}
	return b.connect("", func() error { return checkSync(b.srv) }, nats.InProcessServer(b.srv))
}

// Stop closes the connection, shuts the embedded server down and waits for it.
func (b *Bus) Stop() {
	if b.nc != nil {
		b.nc.Close()
	}
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
	}
	if b.lock != nil {
		b.lock.Close()
	}
}

// MaxMessage returns the largest message the server takes, in bytes.
func (b *Bus) MaxMessage() int { return int(b.nc.MaxPayload()) }

// Healthy returns nil while the server can be reached.
func (b *Bus) Healthy() error {
	if !b.nc.IsConnected() {
		return fmt.Errorf("the message server is not connected: %s", b.nc.Status())
	}
	return nil
}

// Publish sends data to every present subscriber of subject; it is not stored.
func (b *Bus) Publish(subject string, data []byte) error { return b.nc.Publish(subject, data) }

// Subscribe calls f with every message published to subject, one at a time,
// until cancel is called.
func (b *Bus) Subscribe(subject string, f func(data []byte)) (cancel func(), err error) {
	sub, err := b.nc.Subscribe(subject, func(m *nats.Msg) { f(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("subscribing to %s: %w", subject, err)
	}
	// Without the flush a message published by another connection right now could pass unseen.
	return func() { _ = sub.Unsubscribe() }, b.nc.Flush()
}

func (b *Bus) embed(o Options) (err error) {
	if err = os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	if b.lock, err = lockFolder(filepath.Join(o.Dir, "lock")); err != nil {
		return err
	}
	b.srv, err = server.NewServer(&server.Options{
		ServerName: "tideway", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: o.Dir, SyncAlways: true,
		MaxPayload: maxPayload, MaxPending: 8 * maxPayload, DisableJetStreamBanner: true,
	})
	if err != nil {
		return err
	}
	b.srv.SetLogger(reporter{o.Report}, false, false)
	b.srv.Start()
	if !b.srv.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the embedded server in %s took no connection within %v", o.Dir, startTimeout)
	}
	return nil
}

func (b *Bus) connect(url string, check func() error, opts ...nats.Option) (err error) {
	opts = append(opts, nats.Name("tideway"), nats.Timeout(startTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
	if b.nc, err = nats.Connect(url, opts...); err != nil {
		return fmt.Errorf("connecting to %q: %w", url, err)
	}
	if b.js, err = jetstream.New(b.nc, jetstream.WithDefaultTimeout(startTimeout)); err != nil {
		return err
	}
	return check()
}

func checkSync(srv *server.Server) error {
	if c := srv.JetStreamConfig(); c == nil || !c.SyncAlways {
		return ErrNoSync
	}
	return nil
}

// checkRemoteSync asks the server for its settings, which only a connection of
// the system account may; otherwise the operator's word is needed.
func (b *Bus) checkRemoteSync(assume bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("the server has no JetStream for this account: %w", err)
	}
	if assume {
		return nil
	}
	m, err := b.nc.Request("$SYS.REQ.SERVER.PING.VARZ", nil, 2*time.Second)
	if err != nil {
		return fmt.Errorf("%w, or does not tell (%v): set sync_interval: always there and vouch for it with AssumeSync", ErrNoSync, err)
	}
	return parseVarzSync(m.Data)
}

func parseVarzSync(data []byte) error {
	var v struct {
		Data struct {
			JetStream struct {
				Config struct {
					SyncAlways bool `json:"sync_always"`
				} `json:"config"`
			} `json:"jetstream"`
		} `json:"data"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("%w: its settings cannot be read: %v", ErrNoSync, err)
	}
	if !v.Data.JetStream.Config.SyncAlways {
		return ErrNoSync
	}
	return nil
}

// reporter passes on what an operator should see and drops the rest.
type reporter struct{ report func(string) }

func (r reporter) say(kind, format string, v []any) {
	if r.report != nil {
		r.report(kind + ": " + fmt.Sprintf(format, v...))
	}
}

// Noticef drops a notice.
func (reporter) Noticef(string, ...any) {}

// Debugf drops debugging text.
func (reporter) Debugf(string, ...any) {}

// Tracef drops a trace.
func (reporter) Tracef(string, ...any) {}

// Warnf reports a warning, except the one about large messages: maxPayload is
// chosen.
func (r reporter) Warnf(format string, v ...any) {
	if !strings.HasPrefix(format, "Maximum payloads over") {
		r.say("warning", format, v)
	}
}

// Errorf reports an error.
func (r reporter) Errorf(format string, v ...any) { r.say("error", format, v) }

// Fatalf reports an error that stops the server.
func (r reporter) Fatalf(format string, v ...any) { r.say("fatal", format, v) }
