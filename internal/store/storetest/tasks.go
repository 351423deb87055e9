package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// newTasks records twelve calls, the later made ones first, so that order of creation is not order of recording.
func (w *world) newTasks() []tasks.Task {
	w.t.Helper()
	b, key, eve := w.books(), id.New(), w.newUser("eve")
	var made []tasks.Task
	for i := 11; i >= 0; i-- {
		r := w.record(b, 0, 0)
		r.Task.CreatedAt = epoch.Add(time.Duration(i) * time.Minute)
		r.Task.RequestID = fmt.Sprintf("Req_%02d", i)
		r.Task.RequestedModel = []string{"gpt-4o", "claude%"}[i%2]
		r.Task.ResolvedModel = []string{"GPT", "claude-x", "gpt-4o"}[i%3]
		r.Task.Status = []tasks.Status{tasks.Succeeded, tasks.Failed}[i%2]
		if i < 3 {
			r.Task.UserID = eve.ID
		}
		r.Task.Simulated = i > 9
		if i == 5 {
			r.Task.Kind, r.Task.ModelType, r.Task.APIKeyID = inference.Embeddings, inference.TypeEmbedding, key
		}
		fields := json.RawMessage(`{}`)
		r.Task.Request, r.Task.Result, r.Task.Route, r.Task.Preprocessing = fields, fields, fields, fields
		r.Task.Attempts, r.Task.Lines = json.RawMessage(`[1]`), json.RawMessage(`[2]`)
		w.apply(r)
		made = append(made, r.Task)
	}
	return made
}

func testTaskList(t *testing.T, w *world) {
	t.Helper()
	made := w.newTasks()
	fifth, yes, no := made[11-5], true, false
	for what, c := range map[string]struct {
		query tasks.Query
		want  string
	}{
		"everything":      {tasks.Query{}, "11 10 09 08 07 06 05 04 03 02 01 00"},
		"mine":            {tasks.Query{User: w.user.ID}, "11 10 09 08 07 06 05 04 03"},
		"nobody's":        {tasks.Query{User: id.New()}, ""},
		"a status":        {tasks.Query{User: w.user.ID, Status: tasks.Failed}, "11 09 07 05 03"},
		"any status":      {tasks.Query{Status: tasks.Failed}, "11 09 07 05 03 01"},
		"some statuses":   {tasks.Query{Statuses: []tasks.Status{tasks.Failed, tasks.Queued}}, "11 09 07 05 03 01"},
		"simulated":       {tasks.Query{Simulated: &yes}, "11 10"},
		"real":            {tasks.Query{User: w.user.ID, Simulated: &no}, "09 08 07 06 05 04 03"},
		"a kind":          {tasks.Query{Kind: inference.Embeddings}, "05"},
		"a type":          {tasks.Query{ModelType: inference.TypeEmbedding}, "05"},
		"a key":           {tasks.Query{User: w.user.ID, APIKey: fifth.APIKeyID}, "05"},
		"a model":         {tasks.Query{Model: "gpt-4o"}, "11 10 08 06 05 04 02 00"},
		"part of a model": {tasks.Query{Model: "gpt"}, ""},
		"from":            {tasks.Query{From: epoch.Add(9 * time.Minute)}, "11 10 09"},
		"until":           {tasks.Query{To: epoch.Add(2 * time.Minute)}, "01 00"},
		"between": {
			tasks.Query{User: w.user.ID, From: epoch.Add(4 * time.Minute), To: epoch.Add(6 * time.Minute)}, "05 04",
		},
		"text of a request":  {tasks.Query{Text: "rEQ_1"}, "11 10"},
		"text of a model":    {tasks.Query{User: w.user.ID, Text: "laude-"}, "10 07 04"},
		"a wildcard":         {tasks.Query{Text: "%"}, "11 09 07 05 03 01"},
		"another wildcard":   {tasks.Query{Text: "q%1"}, ""},
		"a task id":          {tasks.Query{Text: fifth.ID.String()}, "05"},
		"another's id":       {tasks.Query{User: id.New(), Text: fifth.ID.String()}, ""},
		"an unknown task id": {tasks.Query{Text: id.New().String()}, ""},
	} {
		p, err := w.Tasks().TaskList(w.ctx, c.query)
		w.ok(err)
		same(w, what, requestNumbers(p.Items), c.want)
		same(w, "total of "+what, p.Total, int64(len(p.Items)))
	}
	p, err := w.Tasks().TaskList(w.ctx, tasks.Query{Page: page.Request{Page: 3, Size: 5}})
	w.ok(err)
	same(w, "the last page", requestNumbers(p.Items), "01 00")
	same(w, "its figures", [3]int{int(p.Total), p.Page, p.Size}, [3]int{12, 3, 5})
	_, err = w.Tasks().TaskList(w.ctx, tasks.Query{Page: page.Request{Page: -1}})
	w.refused(err, page.ErrRange, "page")

	want := made[len(made)-1]
	want.Request, want.Result, want.Route, want.Preprocessing, want.Number = nil, nil, nil, nil, p.Items[1].Number
	same(w, "a task of a list", p.Items[1], want)
	if p.Items[1].Number < p.Items[0].Number {
		t.Error("the suite recorded tasks in the order of their creation")
	}
}

func requestNumbers(items []tasks.Task) string {
	numbers := make([]string, len(items))
	for i, v := range items {
		numbers[i] = v.RequestID[len("Req_"):]
	}
	return strings.Join(numbers, " ")
}

func testTaskEvents(t *testing.T, w *world) {
	t.Helper()
	s := w.Tasks()
	r := w.record(w.books(), 0, 0)
	w.apply(r)
	var e tasks.Event
	fill(&e)
	e.TaskID = r.Task.ID
	w.must(func(t tx.Tx) error { return s.EventInsert(w.ctx, t, &e) })
	same(w, "Sequence", e.Sequence, 1)
	found(w, "EventList", []tasks.Event{e})(s.EventList(w.ctx, r.Task.ID, 0))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			v := tasks.Event{ID: id.New(), TaskID: r.Task.ID, At: epoch}
			if err := w.in(func(t tx.Tx) error { return s.EventInsert(w.ctx, t, &v) }); err != nil {
				t.Errorf("EventInsert: %v", err)
			}
		})
	}
	wg.Wait()
	events, err := s.EventList(w.ctx, r.Task.ID, 2)
	w.ok(err)
	for i, v := range events {
		same(w, "Sequence", v.Sequence, int64(i)+3)
	}
	same(w, "events after the second", len(events), 3)
	found(w, "another task's events", []tasks.Event{})(s.EventList(w.ctx, id.New(), 0))
	orphan := tasks.Event{ID: id.New(), TaskID: id.New()}
	w.refused(w.in(func(t tx.Tx) error { return s.EventInsert(w.ctx, t, &orphan) }), fault.ErrNotFound, "")
}
