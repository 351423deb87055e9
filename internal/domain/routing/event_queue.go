package routing

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// queueSize is how many events may wait to be written; more are dropped and counted.
	queueSize = 4096
	// batchSize is how many are written at once, batchPause how long the first of them waits for others.
	batchSize  = 256
	batchPause = 200 * time.Millisecond
	// lastWrite bounds the writing of what is left at the end.
	lastWrite = 5 * time.Second
)

// EventQueue writes policy events in batches, beside the path of requests: telling it of one never blocks.
type EventQueue struct {
	store   EventStore
	log     *slog.Logger
	waiting chan PolicyEvent
	dropped atomic.Int64
	done    chan struct{}
}

// NewEventQueue returns a queue; Run writes what it is told.
func NewEventQueue(s EventStore, log *slog.Logger) *EventQueue {
	return &EventQueue{store: s, log: log, waiting: make(chan PolicyEvent, queueSize), done: make(chan struct{})}
}

// Tell takes an event, or drops it when too many wait.
func (q *EventQueue) Tell(e PolicyEvent) {
	select {
	case q.waiting <- e:
	default:
		if q.dropped.Add(1)%1000 == 1 {
			q.log.Warn("policy events dropped: too many wait", "total", q.dropped.Load())
		}
	}
}

// Dropped is how many events were not written.
func (q *EventQueue) Dropped() int64 { return q.dropped.Load() }

// Done is closed when Run has written the last event.
func (q *EventQueue) Done() <-chan struct{} { return q.done }

// Run writes events until ctx ends, and then those that wait. It is called once.
func (q *EventQueue) Run(ctx context.Context) {
	defer close(q.done)
	for {
		select {
		case <-ctx.Done():
			q.finish(context.WithoutCancel(ctx))
			return
		case e := <-q.waiting:
			q.write(ctx, q.collect(ctx, e))
		}
	}
}

// collect takes what comes soon after the first.
func (q *EventQueue) collect(ctx context.Context, first PolicyEvent) []PolicyEvent {
	batch := append(make([]PolicyEvent, 0, batchSize), first)
	pause := time.NewTimer(batchPause)
	defer pause.Stop()
	for len(batch) < batchSize {
		select {
		case e := <-q.waiting:
			batch = append(batch, e)
			continue
		case <-pause.C:
		case <-ctx.Done():
		}
		return batch
	}
	return batch
}

// write tells of what it could not write; the database that refuses has its own alarm.
func (q *EventQueue) write(ctx context.Context, batch []PolicyEvent) {
	for i := range batch {
		q.tellLog(&batch[i])
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	if err := q.store.PolicyEventsInsert(ctx, batch); err != nil {
		q.dropped.Add(int64(len(batch)))
		q.log.Error("policy events not written", "count", len(batch), "error", err)
	}
}

// tellLog writes a line for each event: beside the path of the request, which has a line of its own.
func (q *EventQueue) tellLog(e *PolicyEvent) {
	level := slog.LevelInfo
	if e.Kind == EventCooldown || e.Kind == EventDisable {
		level = slog.LevelWarn
	}
	q.log.Log(context.Background(), level, "routing policy", "event", e.Kind, "platform", e.PlatformID,
		"model", e.PlatformModelID, "credential", e.CredentialID, "category", e.Category, "until", e.Until,
		"request_id", e.RequestID)
}

func (q *EventQueue) finish(ctx context.Context) {
	var batch []PolicyEvent
	for {
		select {
		case e := <-q.waiting:
			batch = append(batch, e)
			continue
		default:
		}
		break
	}
	for start := 0; start < len(batch); start += batchSize {
		q.write(ctx, batch[start:min(start+batchSize, len(batch))])
	}
}
