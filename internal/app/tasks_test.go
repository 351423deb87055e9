package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// onBoth runs a test in a house on each database.
func onBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := secret.New(pgtest.New(t))
		test(t, newHouse(t, func(a *App) { a.cfg.Database.URL = url }))
	})
}

// runTasks lets the house's workers work until the test ends.
func (h *house) runTasks() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if err := h.startTasks(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		cancel()
		h.stopTasks(context.Background())
	})
}

// taskView is what callers see of a task.
type taskView struct {
	ID             string          `json:"id"`
	Status         string          `json:"status"`
	ErrorCode      string          `json:"errorCode"`
	AsyncMode      bool            `json:"asyncMode"`
	Stream         bool            `json:"stream"`
	Result         json.RawMessage `json:"result"`
	BillingSummary struct {
		AmountText string `json:"amountText"`
	} `json:"billingSummary"`
	Attempts []struct {
		Status string `json:"status"`
	} `json:"attempts"`
}

// accept sends a call that is to be answered by a task.
func (h *house) accept(path, token string, body any, header ...string) taskView {
	h.t.Helper()
	resp, text := h.send("POST", path, token, body, header...)
	var out struct {
		TaskID string   `json:"taskId"`
		Task   taskView `json:"task"`
	}
	if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusAccepted || out.TaskID != out.Task.ID {
		h.t.Fatalf("%s: %d %s (%v)", path, resp.StatusCode, text, err)
	}
	return out.Task
}

// follow reads a task's events to their end and returns their names, those of progress left out.
func (h *house) follow(task, token string, header ...string) (names []string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/api/v1/tasks/"+task+"/events", http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok && name != "task.progress" {
			names = append(names, name)
		}
	}
	return names
}

func (h *house) task(task, token string) (v taskView) {
	h.t.Helper()
	h.call("GET", "/api/v1/tasks/"+task, token, nil, &v, 200)
	return v
}

// clean holds the books against what must be true, with nothing held any more.
func (h *house) clean() {
	h.t.Helper()
	found, err := h.store.Wallet().Verify(h.t.Context())
	if err != nil || !found.Clean() {
		h.t.Errorf("the books are not right (%v): %+v", err, found.Checks)
	}
	totals, err := h.store.Wallet().Totals(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, total := range totals {
		if total.Held != 0 {
			h.t.Errorf("still held: %+v", total)
		}
	}
}

// signIn returns the token of a person.
func (h *house) signIn(name string) string {
	h.t.Helper()
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	h.call("POST", "/api/v1/auth/login", "", map[string]any{"account": name, "password": "a long password"}, &login, 200)
	return login.AccessToken
}

var wholeLife = []string{"task.accepted", "task.queued", "task.running", "task.succeeded"}

func TestACallIsAcceptedRunAndCharged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "")
		accepted := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", true))
		if accepted.Status != "queued" || !accepted.AsyncMode || accepted.Stream {
			t.Errorf("accepted as %+v", accepted)
		}
		h.runTasks()
		if diff := cmp.Diff(wholeLife, h.follow(accepted.ID, u.key)); diff != "" {
			t.Errorf("events (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(wholeLife[2:], h.follow(accepted.ID, u.key, "Last-Event-ID", "2")); diff != "" {
			t.Errorf("resumed (-want +got)\n%s", diff)
		}
		v := h.task(accepted.ID, u.key)
		if v.Status != "succeeded" || v.BillingSummary.AmountText == "0" || !strings.Contains(string(v.Result), `"chat.completion"`) || len(v.Attempts) != 1 {
			t.Errorf("ended as %+v, result %s", v, v.Result)
		}
		h.clean()
	})
}

// TestAsyncOnTheProtocolsPaths asks for a task where callers else wait.
func TestAsyncOnTheProtocolsPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.invite("ada", "")
	for _, path := range []string{"/v1/chat/completions", "/chat/completions"} {
		if v := h.accept(path, u.key, chat("sim-chat", false), "X-Async", "true"); v.Status != "queued" {
			t.Errorf("%s: %+v", path, v)
		}
		if resp, text := h.send("POST", path, u.key, chat("sim-chat", false), "X-Async", "false"); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for _, c := range []struct {
		path, async, code string
		status            int
	}{
		{"/v1/chat/completions", "maybe", "invalid_parameter", 400},
		{"/v1/embeddings", "true", "invalid_parameter", 400},
	} {
		resp, text := h.send("POST", c.path, u.key, chat("sim-chat", false), "X-Async", c.async)
		if resp.StatusCode != c.status || !strings.Contains(string(text), c.code) {
			t.Errorf("%s, X-Async: %s: %d %s", c.path, c.async, resp.StatusCode, text)
		}
	}
}

// TestTaskOperationsSayWhatIsWrong holds the answers of the operations on tasks against the contracts.
func TestTaskOperationsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		gateway := surfacetest.LoadContract(t, "easyai-gateway", "httpapi.ErrorEnvelope")
		console := surfacetest.LoadContract(t, "console", "Error")
		ada, eve, poor := h.invite("ada", ""), h.invite("eve", ""), h.invite("poor", "0")
		h.connect(map[string]string{"gpt-4o-mini": "chat"})
		task := h.accept("/api/v1/chat/completions", ada.key, chat("sim-chat", false))
		const path = "/api/v1/chat/completions"
		for _, c := range []struct {
			contract              *surfacetest.Contract
			operation, code       string
			method, path, as, key string
			body                  any
			status                int
		}{
			{gateway, "createChatCompletionTask", "", "POST", path, ada.key, "one", chat("sim-chat", false), 202},
			{gateway, "createChatCompletionTask", "", "POST", path, ada.key, "one", chat("sim-chat", false), 202},
			{gateway, "createChatCompletionTask", "idempotency_conflict", "POST", path, ada.key, "one", chat("sim-chat", true), 409},
			{gateway, "createChatCompletionTask", "invalid_api_key", "POST", path, "sk-nobody", "", chat("sim-chat", false), 401},
			{gateway, "createChatCompletionTask", "invalid_parameter", "POST", path, ada.key, "", map[string]any{"model": "sim-chat"}, 400},
			{gateway, "createChatCompletionTask", "model_not_found", "POST", path, ada.key, "", chat("none", false), 404},
			{gateway, "createChatCompletionTask", "insufficient_balance", "POST", path, poor.key, "", chat("gpt-4o-mini", false), 402},
			{gateway, "getTask", "", "GET", "/api/v1/tasks/" + task.ID, ada.key, "", nil, 200},
			{gateway, "getTask", "not_found", "GET", "/api/v1/tasks/" + task.ID, eve.key, "", nil, 404},
			{gateway, "streamTaskEvents", "not_found", "GET", "/api/v1/tasks/" + task.ID + "/events", eve.key, "", nil, 404},
			{gateway, "listTasks", "", "GET", "/api/v1/tasks?q=sim&modelType=chat&createdFrom=2020-01-01&pageSize=5&page=1", ada.key, "", nil, 200},
			{console, "cancelTask", "not_found", "POST", "/api/console/tasks/" + task.ID + "/cancel", h.signIn("eve"), "", nil, 404},
			{console, "cancelTask", "", "POST", "/api/console/tasks/" + task.ID + "/cancel", h.signIn("ada"), "", nil, 200},
			{console, "cancelTask", "task_ended", "POST", "/api/console/tasks/" + task.ID + "/cancel", h.signIn("ada"), "", nil, 409},
		} {
			header := []string{}
			if c.key != "" {
				header = []string{"Idempotency-Key", c.key}
			}
			resp, text := h.send(c.method, c.path, c.as, c.body, header...)
			if resp.StatusCode != c.status || !strings.Contains(string(text), c.code) {
				t.Errorf("%s: %d %s, want %d %s", c.operation, resp.StatusCode, text, c.status, c.code)
			}
			if err := c.contract.CheckAnswer(c.operation, resp.StatusCode, text); err != nil && c.status != 409 {
				t.Errorf("%s: %v", c.operation, err)
			}
		}
	})
}

// TestOneKeyIsOneTask repeats a call before and after its task has ended.
func TestOneKeyIsOneTask(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "")
		first := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", false), "Idempotency-Key", "k")
		again := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", false), "Idempotency-Key", "k")
		h.runTasks()
		h.follow(first.ID, u.key)
		late := h.accept("/api/v1/chat/completions", u.key, chat("sim-chat", false), "Idempotency-Key", "k")
		if again.ID != first.ID || late.ID != first.ID || late.Status != "succeeded" {
			t.Errorf("first %+v, again %+v, late %+v", first, again, late)
		}
		if resp, text := h.send("POST", "/api/v1/chat/completions", u.key, chat("sim-chat", false), "Idempotency-Key", "k", "X-Async", "false"); resp.StatusCode != http.StatusConflict {
			t.Errorf("a call that waits, with the key of a task: %d %s", resp.StatusCode, text)
		}
		h.clean()
	})
}

// TestCancelWhileQueuedReachesNobody cancels before any worker works.
func TestCancelWhileQueuedReachesNobody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "1")
		fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
		v := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		h.call("POST", "/api/console/tasks/"+v.ID+"/cancel", h.signIn("ada"), nil, nil, 200)
		h.clean()
		h.runTasks()
		next := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		h.follow(next.ID, u.key)
		if asked := len(fake.Requests()); asked != 1 {
			t.Errorf("the upstream was asked %d times, want 1", asked)
		}
		want := []string{"task.accepted", "task.queued", "task.cancelled"}
		if diff := cmp.Diff(want, h.follow(v.ID, u.key)); diff != "" {
			t.Errorf("events (-want +got)\n%s", diff)
		}
		if v = h.task(v.ID, u.key); v.Status != "cancelled" || v.BillingSummary.AmountText != "0" {
			t.Errorf("canceled as %+v", v)
		}
		h.clean()
	})
}

// TestCancelWhileRunningEndsTheCall cancels a call whose upstream does not answer.
func TestCancelWhileRunningEndsTheCall(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "1")
		fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
		fake.Script(fakeopenai.Step{Fault: "hang"})
		h.runTasks()
		v := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		if _, err := fake.Wait(t.Context(), func(r []fakeopenai.Request) bool { return len(r) == 1 }); err != nil {
			t.Fatal(err)
		}
		h.call("POST", "/api/console/tasks/"+v.ID+"/cancel", h.signIn("ada"), nil, nil, 200)
		names := h.follow(v.ID, u.key)
		if v = h.task(v.ID, u.key); v.Status != "cancelled" || v.ErrorCode != "canceled" || v.BillingSummary.AmountText != "0" || names[len(names)-1] != "task.cancelled" {
			t.Errorf("canceled as %+v, events %v", v, names)
		}
		h.clean()
	})
}

// TestATaskWhoseWorkerDiedIsNotSentAgain finds a task that an earlier process sent and did not end.
func TestATaskWhoseWorkerDiedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "1")
		fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
		sent := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		taken := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		for _, v := range []taskView{sent, taken} {
			task, err := id.Parse(v.ID)
			if err != nil {
				t.Fatal(err)
			}
			j, err := h.desk.Take(t.Context(), task)
			if err != nil {
				t.Fatal(err)
			}
			if v.ID == sent.ID {
				if err := j.Sending(t.Context(), &tasks.Sent{Attempt: tasks.Attempt{No: 1, StartedAt: time.Now()}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := h.desk.Begin(t.Context()); err != nil { // as the next process does
			t.Fatal(err)
		}
		h.runTasks()
		h.follow(sent.ID, u.key)
		h.follow(taken.ID, u.key)
		if v := h.task(sent.ID, u.key); v.Status != "failed" || v.ErrorCode != "interrupted" || v.BillingSummary.AmountText != "0" || len(v.Attempts) != 1 {
			t.Errorf("sent and lost: %+v", v)
		}
		if v := h.task(taken.ID, u.key); v.Status != "succeeded" || len(fake.Requests()) != 1 {
			t.Errorf("taken and lost: %+v, the upstream was asked %d times", v, len(fake.Requests()))
		}
		h.clean()
	})
}

// TestAKeyThatIsGoneRunsNothing disables the key of a task that waits.
func TestAKeyThatIsGoneRunsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.invite("ada", "1")
	fake := h.connect(map[string]string{"gpt-4o-mini": "chat"})
	v := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
	token := h.signIn("ada")
	var keys struct {
		Items []struct{ ID string }
	}
	h.call("GET", "/api/v1/api-keys", token, nil, &keys, 200)
	h.call("PATCH", "/api/v1/api-keys/"+keys.Items[0].ID+"/disable", token, nil, nil, 200)
	h.runTasks()
	h.follow(v.ID, token)
	if v = h.task(v.ID, token); v.Status != "failed" || v.ErrorCode != "key_disabled" || len(fake.Requests()) != 0 {
		t.Errorf("%+v, the upstream was asked %d times", v, len(fake.Requests()))
	}
	h.clean()
}

// TestAQuotaCountsWhatWaits lets a quota of two calls take two tasks, and one more when one of them was canceled.
func TestAQuotaCountsWhatWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.invite("ada", "1")
	h.connect(map[string]string{"gpt-4o-mini": "chat"})
	h.limit(u, `{"concurrent":2}`, `{}`)
	first := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
	h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
	resp, text := h.send("POST", "/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a third call: %d %s", resp.StatusCode, text)
	}
	h.call("POST", "/api/console/tasks/"+first.ID+"/cancel", h.signIn("ada"), nil, nil, 200)
	if err := h.worker.TidyTasks(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
}

// TestFiftyAtOnceAreOneTask sends one call many times at the same time.
func TestFiftyAtOnceAreOneTask(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "")
		var all sync.WaitGroup
		found := make(chan string, 50)
		for range cap(found) {
			all.Go(func() {
				v := h.accept("/api/v1/videos/generations", u.key, video(), "X-Idempotency-Key", "same")
				found <- v.ID
			})
		}
		all.Wait()
		close(found)
		first := <-found
		for task := range found {
			if task != first {
				t.Errorf("tasks %s and %s", first, task)
			}
		}
		h.call("POST", "/api/console/tasks/"+first+"/cancel", h.signIn("ada"), nil, nil, 200)
		h.clean()
	})
}

// TestAWorkerThatLostItsTaskChangesNothing lets one worker sleep past its lease while another ends the task.
func TestAWorkerThatLostItsTaskChangesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		t.Helper()
		u := h.invite("ada", "1")
		h.connect(map[string]string{"gpt-4o-mini": "chat"})
		v := h.accept("/api/v1/chat/completions", u.key, chat("gpt-4o-mini", false))
		task, err := id.Parse(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		asleep, err := h.desk.Take(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.Take(t.Context(), task); !errors.Is(err, tasks.ErrTaken) {
			t.Errorf("a task that is run was taken: %v", err)
		}
		if err := h.desk.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.runTasks()
		h.follow(v.ID, u.key)
		ended := h.task(v.ID, u.key)
		for what, err := range map[string]error{
			"sends": asleep.Sending(t.Context(), &tasks.Sent{}), "grows": asleep.Grow(t.Context(), 1),
			"returns": asleep.Return(t.Context(), "late"), "ends": asleep.End(t.Context(), &tasks.Settlement{Task: asleep.Task}),
		} {
			if !errors.Is(err, tasks.ErrFenced) {
				t.Errorf("who has lost the task %s: %v", what, err)
			}
		}
		if diff := cmp.Diff(ended, h.task(v.ID, u.key)); diff != "" || ended.Status != "succeeded" {
			t.Errorf("%s, and then (-before +after)\n%s", ended.Status, diff)
		}
		h.clean()
	})
}
