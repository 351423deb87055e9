package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// taskEvent is one event of a task's stream. Source: contracts/INDEX E5.
type taskEvent struct {
	Event    string          `json:"event"`
	TaskID   string          `json:"taskId"`
	Sequence int64           `json:"sequence"`
	Status   string          `json:"status"`
	Progress *int64          `json:"progress,omitempty"`
	Payload  json.RawMessage `json:"payload,omitempty"`
	At       string          `json:"createdAt"`
}

// streamTaskEvents sends the task's events that come after Last-Event-ID, those that there are and those that come, and ends
// after the last. A relayed call stores none of its own: its story is told from its record.
func (s *Surface) streamTaskEvents(w http.ResponseWriter, call *httpx.Call) error {
	t, err := s.taskOf(call)
	if err != nil {
		return err
	}
	after, err := lastEventID(call)
	if err != nil {
		return err
	}
	f := &follower{s: s, out: httpx.NewEventWriter(w, s.Now), task: t.ID, after: after}
	if !t.Async {
		return f.send(story(&t))
	}
	news, end := s.Follow(t.ID)
	defer end()
	return f.follow(call.Context(), news)
}

// follower is a caller that is sent a task's events.
type follower struct {
	s     *Surface
	out   *httpx.EventWriter
	task  id.ID
	after int64
	ended bool // the last event was sent
}

// follow sends events until the last one, or until the caller leaves.
func (f *follower) follow(ctx context.Context, news <-chan struct{}) error {
	_, err := f.out.Watch(ctx, news, func() (bool, error) {
		events, err := f.s.Tasks.EventList(ctx, f.task, f.after)
		if err != nil && f.out.Begun() {
			return false, nil // what has begun cannot become another answer
		}
		gone := err == nil && f.send(events) != nil
		return gone || f.ended, err
	})
	return err
}

// send writes the events that the caller has not.
func (f *follower) send(events []tasks.Event) error {
	var body bytes.Buffer
	for i := range events {
		e := &events[i]
		f.ended = f.ended || e.Status.Final()
		if e.Sequence <= f.after {
			continue
		}
		if err := writeEvent(&body, e); err != nil {
			return err
		}
		f.after = e.Sequence
	}
	if body.Len() == 0 && f.out.Begun() {
		return nil
	}
	return f.out.Write(body.Bytes())
}

func lastEventID(call *httpx.Call) (int64, error) {
	text := strings.TrimSpace(call.Header.Get("Last-Event-ID"))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.ErrInvalid.Saying("The last event id is not one of this stream.").At("Last-Event-ID")
	}
	return n, nil
}

func writeEvent(body *bytes.Buffer, e *tasks.Event) error {
	view := taskEvent{
		Event: e.Type, TaskID: e.TaskID.String(), Sequence: e.Sequence, Status: showStatus(e.Status), Payload: e.Payload,
		At: httpx.Time(e.At),
	}
	if e.Progress >= 0 {
		view.Progress = &e.Progress
	}
	data, err := json.Marshal(view)
	if err != nil {
		return err
	}
	body.WriteString("id: " + strconv.FormatInt(e.Sequence, 10) + "\nevent: " + e.Type + "\ndata: ")
	body.Write(data)
	body.WriteString("\n\n")
	return nil
}

// story tells a call's life from its record: accepted, sent, ended.
func story(t *tasks.Task) []tasks.Event {
	events := []tasks.Event{{TaskID: t.ID, Type: "task.accepted", Status: tasks.Queued, Progress: -1, At: t.CreatedAt}}
	if !t.StartedAt.IsZero() {
		events = append(events, tasks.Event{
			TaskID: t.ID, Type: "task.running", Status: tasks.Running, Progress: -1, At: t.StartedAt,
		})
	}
	if !t.FinishedAt.IsZero() {
		events = append(events, tasks.Event{
			TaskID: t.ID, Type: "task." + showStatus(t.Status), Status: t.Status, Progress: -1, At: t.FinishedAt,
		})
	}
	for i := range events {
		events[i].Sequence = int64(i + 1)
	}
	return events
}
