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
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	maxSequence = math.MaxInt32
	// lookEvery is how often a task is looked at whose news come from another node, aliveEvery how often a stream without news
	// shows that it is alive, and takeWithin how long a caller may take for what it is sent.
	lookEvery  = time.Second
	aliveEvery = 15 * time.Second
	takeWithin = time.Minute
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
	f := follower{s: s, w: w, out: http.NewResponseController(w)}
	r := openai.Replay{After: after}
	if err := f.write(r.Begin(pendingResponse(k, &t))); err != nil {
		return nil //nolint:nilerr // the caller has left
	}
	ended, err := f.wait(req.Context(), k.UserID, k.ID, streamWithin)
	if err != nil || !ended {
		return nil //nolint:nilerr // what has begun cannot become another answer
	}
	body, err := s.responseNow(req, k)
	if err == nil {
		_ = f.write(r.End(body)) // the caller may have left
	}
	return nil
}

// follower waits for a task, for a caller who is shown meanwhile that the connection lives; a nil w shows nothing.
type follower struct {
	s     *surface
	w     http.ResponseWriter
	out   *http.ResponseController
	begun bool
}

// wait returns once the task has ended; false when the time is over before that, or the caller has left.
func (f *follower) wait(ctx context.Context, user, task id.ID, limit time.Duration) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	news, end := f.s.Desk.Follow(task)
	defer end()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		t, err := f.s.Tasks.TaskByID(ctx, user, task)
		switch {
		case ctx.Err() != nil:
			return false, nil
		case err != nil:
			return false, err
		case t.Status.Final():
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-alive.C:
			if f.w != nil && f.write([]byte(": alive\n\n")) != nil {
				return false, nil
			}
		case <-news:
		case <-look.C:
		}
	}
}

func (f *follower) write(b []byte) error {
	if !f.begun {
		f.begun = true
		h := f.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
	}
	_ = f.out.SetWriteDeadline(f.s.Now().Add(takeWithin))
	if _, err := f.w.Write(b); err != nil {
		return err
	}
	return f.out.Flush()
}

// awaitEnd waits for a while until a task has ended.
func (s *surface) awaitEnd(ctx context.Context, user, task id.ID, limit time.Duration) error {
	_, err := (&follower{s: s}).wait(ctx, user, task, limit)
	return err
}
