package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// taskOf returns the caller's task that the path names.
func (s *Surface) taskOf(call *httpx.Call) (tasks.Task, error) {
	task, err := pathID(call, "taskID")
	if err != nil {
		return tasks.Task{}, err
	}
	return s.Tasks.TaskByID(call.Context(), call.Principal.UserID, task)
}

// listParamPreprocessing shows what was changed of the request's parameters, attempt by attempt.
func (s *Surface) listParamPreprocessing(w http.ResponseWriter, call *httpx.Call) error {
	t, err := s.taskOf(call)
	if err != nil {
		return err
	}
	out := api.HttpapiTaskParamPreprocessingLogListResponse{Items: []api.StoreTaskParamPreprocessingLog{}}
	if len(t.Preprocessing) > 0 {
		if err := json.Unmarshal(t.Preprocessing, &out.Items); err != nil {
			return fault.ErrInternal.Because(err)
		}
	}
	for i := range out.Items {
		out.Items[i].TaskId = t.ID.String()
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

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

// streamTaskEvents sends the task's events that come after Last-Event-ID. A relayed call stores none of its own: its story
// is told from its record.
func (s *Surface) streamTaskEvents(w http.ResponseWriter, call *httpx.Call) error {
	t, err := s.taskOf(call)
	if err != nil {
		return err
	}
	after, err := lastEventID(call)
	if err != nil {
		return err
	}
	events, err := s.Tasks.EventList(call.Context(), t.ID, 0)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		events = story(&t)
	}
	var body bytes.Buffer
	for i := range events {
		if events[i].Sequence <= after {
			continue
		}
		if err := writeEvent(&body, &events[i]); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // the client may be gone
	return nil
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
