package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// counting is an upstream that takes its time and remembers how often it was asked each thing.
type counting struct {
	mu    sync.Mutex
	asked map[string]int // by what the user said
	fake  *fakeopenai.Server
}

func newCounting(t *testing.T) (*counting, upstream) {
	t.Helper()
	c := &counting{asked: map[string]int{}, fake: fakeopenai.New(fakeopenai.Options{})}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, upstream{strings.TrimPrefix(server.URL, "http://"), fakeopenai.DefaultKey}
}

func (c *counting) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	var said struct {
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &said) == nil && len(said.Messages) > 0 {
		c.mu.Lock()
		c.asked[said.Messages[0].Content]++
		c.mu.Unlock()
	}
	select {
	case <-time.After(time.Duration(rand.IntN(400)) * time.Millisecond):
	case <-req.Context().Done():
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	c.fake.ServeHTTP(w, req)
}

// submitted is what the submitters of tasks know.
type submitted struct {
	mu       sync.Mutex
	accepted map[string]string // the task that a request was told of
	repeated atomic.Int64
	videos   int // stored
}

// kinds are what is asked for in turn.
var kinds = []struct{ name, path, body string }{
	{"chat", "/api/v1/chat/completions", `{"model":"gpt-4o-mini","max_tokens":30,"messages":[{"role":"user","content":"%s"}]}`},
	{"video", "/api/v1/videos/generations", `{"model":"sim-video","prompt":"%s","seconds":1,"size":"32x32"}`},
	{"chat", "/api/v1/chat/completions", `{"model":"gpt-4o-mini","max_tokens":30,"messages":[{"role":"user","content":"%s"}]}`},
	{"image", "/api/v1/images/generations", `{"model":"sim-image","prompt":"%s","size":"64x64","response_format":"url"}`},
}

// perRound is how many calls each submitter makes before it waits to be killed: what is left of a round is what the next has
// to work off.
const perRound = 12

// submit sends calls until the program is killed. One in four is sent again, with the key that it came with.
func (s *submitted) submit(in *installation, key, name string, stop <-chan struct{}) {
	for i := 0; i < perRound && !stopped(stop, in.ended); i++ {
		request := fmt.Sprintf("%s-%s-%d", kinds[i%len(kinds)].name, name, i)
		task := s.accept(in.url, key, request, i%len(kinds))
		if task == "" || i%4 != 0 {
			continue
		}
		if again := s.accept(in.url, key, request, i%len(kinds)); again == task {
			s.repeated.Add(1)
		} else if again != "" {
			in.t.Errorf("%s is task %s, and again task %s", request, task, again)
		}
	}
}

func (s *submitted) accept(url, key, request string, kind int) string {
	body := fmt.Sprintf(kinds[kind].body, request)
	req, err := http.NewRequest(http.MethodPost, url+kinds[kind].path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Request-Id", request)
	req.Header.Set("Idempotency-Key", request)
	req.Header.Set("X-Simulation", fmt.Sprintf("ms=%d", 50+rand.IntN(700)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var out struct {
		TaskID string `json:"taskId"`
	}
	if resp.StatusCode != http.StatusAccepted || json.NewDecoder(resp.Body).Decode(&out) != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[request] = out.TaskID
	return out.TaskID
}

// TestKilledProcessLosesNoTaskAndSendsNoneTwice kills the program again and again while tasks are accepted and run, and at the
// end joins what the submitters, the upstream and the database say.
func TestKilledProcessLosesNoTaskAndSendsNoneTwice(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			url, env := "", []string{"GANTRY_LOG_LEVEL=error", "GANTRY_TASKS_WORKERS=64"}
			if database == "postgres" {
				url = pgtest.New(t)
				env = append(env, "GANTRY_DATABASE_URL="+url)
			}
			killTasks(t, url, env)
		})
	}
}

func killTasks(t *testing.T, url string, env []string) {
	t.Helper()
	kills := 20
	if os.Getenv("GANTRY_SOAK") != "" {
		kills = 200
	}
	up, address := newCounting(t)
	s, data, key := &submitted{accepted: map[string]string{}}, t.TempDir(), ""
	for round := range kills {
		var in *installation
		if key == "" {
			in = start(t, data, env...)
			in.connect(address, map[string]string{"gpt-4o-mini": "chat"})
			u := in.newUser("tasks", "100000")
			in.call(http.MethodPatch, "/api/admin/users/"+u.id+"/wallet", in.admin,
				map[string]any{"balance": 100000, "currency": "SIM", "reason": "test"}, nil, 200)
			key = u.key
		} else {
			in = launch(t, data, env...)
		}
		stop := make(chan struct{})
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() { s.submit(in, key, fmt.Sprintf("r%d-%d", round, n), stop) })
		}
		<-time.After(time.Duration(150+rand.IntN(900)) * time.Millisecond)
		in.stop(syscall.SIGKILL)
		close(stop)
		all.Wait()
	}
	last := launch(t, data, env...)
	s.await(t, data, url)
	if code := last.stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("after the kills gantry ends with code %d", code)
	}
	verify := exec.Command(binary(t, "gantry"), "ledger", "verify", "--data", data)
	verify.Env = append(os.Environ(), env...)
	if text, err := verify.CombinedOutput(); err != nil {
		t.Errorf("gantry ledger verify: %v\n%s", err, text)
	}
	s.join(t, openStore(t, data, url), up, kills)
	s.joinJobs(t, data, url)
}

func openStore(t *testing.T, data, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		URL: url, Path: filepath.Join(data, "gantry.db"), Clock: clock.System, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// await waits until every task has ended.
func (s *submitted) await(t *testing.T, data, url string) {
	t.Helper()
	db := openStore(t, data, url)
	limit := time.After(2 * time.Minute)
	for {
		open, err := db.Tasks().TaskList(t.Context(), tasks.Query{
			Statuses: []tasks.Status{tasks.Initial, tasks.Queued, tasks.Running}, Page: page.Request{Page: 1, Size: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		if open.Total == 0 {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			for _, v := range open.Items {
				events, _ := db.Tasks().EventList(t.Context(), v.ID, 0)
				t.Logf("%s is %s: %+v", v.RequestID, v.Status, events)
			}
			t.Fatalf("%d tasks have not ended", open.Total)
		}
	}
}

// join compares what the submitters and the upstream saw with what is stored.
func (s *submitted) join(t *testing.T, db *store.Store, up *counting, kills int) {
	t.Helper()
	totals, err := db.Wallet().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, total := range totals {
		if total.Posted != 0 || total.Held != 0 || total.Differing != 0 {
			t.Errorf("the books of %s: %+v", total.Currency, total)
		}
	}
	var f struct{ tasks, succeeded, interrupted, events, videos int }
	stored := map[string]tasks.Task{}
	for _, v := range allTasks(t, db) {
		f.tasks++
		if other, twice := stored[v.RequestID]; twice {
			t.Errorf("%s is two tasks, %s and %s", v.RequestID, other.ID, v.ID)
		}
		stored[v.RequestID] = v
		times := up.asked[v.RequestID]
		chat := v.Kind == inference.Chat
		switch {
		case v.Status == tasks.Succeeded && v.Charged > 0 && (times == 1 || !chat):
			f.succeeded++
		case v.Kind == inference.VideoGenerations: // a job can be found again: nothing is lost
			t.Errorf("%s is %s (%s)", v.RequestID, v.Status, v.ErrorCode)
		case v.Status == tasks.Failed && v.ErrorCode == "interrupted" && v.Charged == 0 && times <= 1:
			f.interrupted++
		default:
			t.Errorf("%s is %s (%s), charged %d; the upstream was asked %d times", v.RequestID, v.Status, v.ErrorCode, v.Charged, times)
		}
		f.events += checkEvents(t, db, v)
	}
	for _, v := range stored {
		if v.Kind == inference.VideoGenerations {
			f.videos++
		}
	}
	s.videos = f.videos
	for request, task := range s.accepted {
		if stored[request].ID.String() != task {
			t.Errorf("%s was accepted as task %s, stored is %s", request, task, stored[request].ID)
		}
	}
	for request := range up.asked {
		if _, ok := stored[request]; !ok {
			t.Errorf("the upstream was asked %s, of which there is no task", request)
		}
	}
	t.Logf("%d kills: %d tasks, %d of them told of, %d asked for again; %d succeeded, %d interrupted and not charged; %d events",
		kills, f.tasks, len(s.accepted), s.repeated.Load(), f.succeeded, f.interrupted, f.events)
	if f.succeeded == 0 || f.interrupted == 0 || s.repeated.Load() == 0 {
		t.Error("the load was none, or no kill came at the right time")
	}
}

// joinJobs compares the simulator's memory with the tasks: each film was submitted once.
func (s *submitted) joinJobs(t *testing.T, data, url string) {
	t.Helper()
	driver, address := "sqlite", filepath.Join(data, "gantry.db")
	if url != "" {
		driver, address = "pgx", url
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var jobs, remote int
	err = db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM simulation_job").Scan(&jobs)
	if err != nil {
		t.Fatal(err)
	}
	err = db.QueryRowContext(t.Context(), "SELECT COUNT(DISTINCT remote_task_id) FROM task WHERE kind = 'videos.generations'").Scan(&remote)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d films, %d jobs submitted, %d jobs known by their tasks", s.videos, jobs, remote)
	if jobs != s.videos || remote != s.videos || jobs == 0 {
		t.Error("a film was submitted twice, or never")
	}
}

func allTasks(t *testing.T, db *store.Store) (all []tasks.Task) {
	t.Helper()
	for number := 1; ; number++ {
		list, err := db.Tasks().TaskList(t.Context(), tasks.Query{Page: page.Request{Page: number, Size: page.MaxSize}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list.Items...)
		if len(list.Items) < page.MaxSize {
			return all
		}
	}
}

// checkEvents holds a task's events against what they must be, and counts them.
func checkEvents(t *testing.T, db *store.Store, v tasks.Task) int {
	t.Helper()
	events, err := db.Tasks().EventList(t.Context(), v.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	finals := 0
	for i, e := range events {
		if e.Sequence != int64(i+1) || e.ID == (id.ID{}) {
			t.Errorf("%s: event %d has the sequence %d", v.RequestID, i+1, e.Sequence)
		}
		if e.Status.Final() {
			finals++
		}
	}
	if len(events) < 3 || events[0].Type != "task.accepted" || finals != 1 || events[len(events)-1].Status != v.Status {
		t.Errorf("%s, %s: events %+v", v.RequestID, v.Status, events)
	}
	return len(events)
}
