package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// QueueOptions name a work queue and set its patience. The zero durations and
// counts mean the defaults in the comments.
type QueueOptions struct {
	Name       string
	AckWait    time.Duration // without a sign of life for so long a job goes to another worker; 15 s
	Heartbeat  time.Duration // a sign of life is sent so often; a third of AckWait
	MaxDeliver int           // attempts before a job is laid aside as dead; 3
	Dedupe     time.Duration // the same id within this time is one job; 24 h
}

// Queue hands each job to exactly one living worker at a time; a job whose
// worker died is handed out again. A job may therefore run twice: make its
// result a Bucket.Create under a key of its content.
type Queue struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	o      QueueOptions
}

// Job is one piece of work.
type Job struct {
	ID      string
	Data    []byte
	Attempt int // from 1
}

// DeadJob is a job that failed every attempt.
type DeadJob struct {
	Job
	Reason string
}

// Headers of a dead letter. The job's own id header would make the server drop
// the second letter of a job as a repetition.
const (
	headerReason = "Tideway-Reason"
	headerJob    = "Tideway-Job"
)

// Queue opens the work queue o.Name, making it when absent.
func (b *Bus) Queue(ctx context.Context, o QueueOptions) (*Queue, error) {
	o = o.withDefaults()
	s, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: o.Name, Subjects: []string{"queue." + o.Name}, Storage: jetstream.FileStorage,
		Retention: jetstream.WorkQueuePolicy, Duplicates: o.Dedupe, Replicas: b.replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("opening queue %s: %w", o.Name, err)
	}
	_, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: o.Name + "_DEAD", Subjects: []string{"dead." + o.Name}, Storage: jetstream.FileStorage,
		MaxMsgs: 1000, Discard: jetstream.DiscardOld, Replicas: b.replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the dead letters of queue %s: %w", o.Name, err)
	}
	return &Queue{b.js, s, o}, nil
}

func (o QueueOptions) withDefaults() QueueOptions {
	if o.AckWait == 0 {
		o.AckWait = 15 * time.Second
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = o.AckWait / 3
	}
	if o.MaxDeliver == 0 {
		o.MaxDeliver = 3
	}
	if o.Dedupe == 0 {
		o.Dedupe = 24 * time.Hour
	}
	return o
}

// Publish adds a job. Known tells that a job with this id was added within the
// dedupe time, and nothing was done.
func (q *Queue) Publish(ctx context.Context, id string, data []byte) (known bool, err error) {
	ack, err := q.js.Publish(ctx, "queue."+q.o.Name, data, jetstream.WithMsgID(id))
	if err != nil {
		return false, fmt.Errorf("queueing job %s: %w", id, err)
	}
	return ack.Duplicate, nil
}

// Waiting returns the number of jobs not yet done, including those under way.
func (q *Queue) Waiting(ctx context.Context) (int, error) {
	info, err := q.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("looking at queue %s: %w", q.o.Name, err)
	}
	return int(info.State.Msgs), nil
}

// Consume runs do for one job after another on the given number of workers
// until ctx ends. When do returns nil the job is done; an error hands it out
// again, at last to the dead letters. Jobs under way when ctx ends see their
// context end and go back to the queue.
func (q *Queue) Consume(ctx context.Context, workers int, do func(context.Context, Job) error) error {
	c, err := q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: q.o.Name + "_workers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.o.AckWait,
		// One more than do may see: that delivery moves a job whose workers all died to the dead letters.
		MaxDeliver: q.o.MaxDeliver + 1, MaxAckPending: -1,
	})
	if err != nil {
		return fmt.Errorf("consuming queue %s: %w", q.o.Name, err)
	}
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() { q.work(ctx, c, do) })
	}
	wg.Wait()
	return nil
}

// poll is how long one request for a job stays open at the server.
const poll = 5 * time.Second

func (q *Queue) work(ctx context.Context, c jetstream.Consumer, do func(context.Context, Job) error) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, poll)
		m, err := c.Next(jetstream.FetchContext(wait))
		if err != nil {
			// Nothing came, or the server is away: either way wait out the poll.
			if !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
				<-wait.Done()
			}
			cancel()
			continue
		}
		cancel()
		q.handle(ctx, m, do)
	}
}

func (q *Queue) handle(ctx context.Context, m jetstream.Msg, do func(context.Context, Job) error) {
	job := Job{ID: m.Headers().Get(jetstream.MsgIDHeader), Data: m.Data(), Attempt: 1}
	if meta, err := m.Metadata(); err == nil {
		job.Attempt = int(meta.NumDelivered)
	}
	if job.Attempt > q.o.MaxDeliver {
		q.bury(m, job, "no worker lived to finish it")
		return
	}
	err := q.alive(m, func() error { return do(ctx, job) })
	switch {
	case err == nil:
		confirm, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.o.AckWait)
		defer cancel()
		_ = m.DoubleAck(confirm) // when it is lost the job comes again, and finds its result
	case ctx.Err() != nil:
		_ = m.Nak()
	case job.Attempt >= q.o.MaxDeliver:
		q.bury(m, job, err.Error())
	default:
		_ = m.NakWithDelay(q.o.Heartbeat)
	}
}

// alive runs f while telling the server so.
func (q *Queue) alive(m jetstream.Msg, f func() error) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(q.o.Heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = m.InProgress()
			case <-done:
				return
			}
		}
	})
	defer wg.Wait()
	defer close(done)
	return f()
}

func (q *Queue) bury(m jetstream.Msg, job Job, reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), q.o.AckWait)
	defer cancel()
	letter := nats.NewMsg("dead." + q.o.Name)
	letter.Data = job.Data
	letter.Header.Set(headerReason, reason)
	letter.Header.Set(headerJob, job.ID)
	if _, err := q.js.PublishMsg(ctx, letter); err == nil {
		_ = m.TermWithReason("dead letter")
	}
}

// Dead returns the jobs that failed every attempt, oldest first.
func (q *Queue) Dead(ctx context.Context) ([]DeadJob, error) {
	s, err := q.js.Stream(ctx, q.o.Name+"_DEAD")
	if err != nil {
		return nil, fmt.Errorf("reading dead letters of %s: %w", q.o.Name, err)
	}
	info := s.CachedInfo().State
	var out []DeadJob
	for seq := info.FirstSeq; seq != 0 && seq <= info.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading dead letter %d of %s: %w", seq, q.o.Name, err)
		}
		out = append(out, DeadJob{Job{ID: m.Header.Get(headerJob), Data: m.Data}, m.Header.Get(headerReason)})
	}
	return out, nil
}
