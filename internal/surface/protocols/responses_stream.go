package protocols

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	maxSequence = math.MaxInt32
	// cancelWithin is how long a cancellation is waited for.
	cancelWithin = 5 * time.Second
	// streamWithin is for how long a stream waits for a response that is being made.
	streamWithin = 24 * time.Hour
)

// readAgain reads a request's body and leaves it to be read once more.
func readAgain(req *http.Request) ([]byte, error) {
	body, err := io.ReadAll(req.Body)
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return body, err
}

// replayResponse tells a response as events, those behind a number, and waits for its end where it has not come.
func (s *surface) replayResponse(w http.ResponseWriter, req *http.Request, k *tasks.Kept, after int64) error {
	t := tasks.Task{Status: tasks.Running}
	events := httpx.NewEventWriter(w, s.Now)
	r := openai.Replay{After: after}
	if err := events.Write(r.Begin(pendingResponse(k, &t))); err != nil {
		return nil //nolint:nilerr // the caller has left
	}
	ended, err := s.watch(req.Context(), events, k.UserID, k.ID, streamWithin)
	if err != nil || !ended {
		return nil //nolint:nilerr // what has begun cannot become another answer
	}
	body, err := s.responseNow(req, k)
	if err == nil {
		_ = events.Write(r.End(body)) // the caller may have left
	}
	return nil
}

// watch returns once a task has ended; false when the time is over before that, or the caller has left. A nil events shows the
// caller nothing meanwhile.
func (s *surface) watch(ctx context.Context, events *httpx.EventWriter, user, task id.ID, limit time.Duration) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	news, end := s.Desk.Follow(task)
	defer end()
	ended, err = events.Watch(ctx, news, func() (bool, error) {
		t, err := s.Tasks.TaskByID(ctx, user, task)
		return err == nil && t.Status.Final(), err
	})
	if err != nil && ctx.Err() != nil {
		return false, nil // the time is over
	}
	return ended, err
}

// awaitEnd waits for a while until a task has ended.
func (s *surface) awaitEnd(ctx context.Context, user, task id.ID, limit time.Duration) error {
	_, err := s.watch(ctx, nil, user, task, limit)
	return err
}
