package record_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/record"
)

func TestWaitSeesWhatIsAddedAndChanged(t *testing.T) {
	t.Parallel()
	log := record.NewLog[string]()
	r := &record.Request{Path: "/a", Body: []byte("x")}
	go func() {
		log.Add(r)
		log.Update(func() { r.Status = http.StatusTeapot })
	}()
	all, err := log.Wait(t.Context(), func(all []record.Request) bool { return len(all) == 1 && all[0].Status == http.StatusTeapot })
	if last, ok := log.Last(); err != nil || !ok || last.Path != "/a" || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if log.Before(r) {
		t.Error("a request came before itself")
	}
	log.Add(&record.Request{Body: []byte("x")})
	if !log.Before(r) {
		t.Error("the same body did not come in another request")
	}
	log.Reset()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if all, err := log.Wait(ctx, func(all []record.Request) bool { return len(all) > 0 }); err == nil {
		t.Errorf("%+v are left", all)
	}
}

func TestStepsAreUsedUpByWhatTheyFit(t *testing.T) {
	t.Parallel()
	log := record.NewLog[string]()
	log.Script("a", "b", "a")
	is := func(name string) func(string) bool { return func(s string) bool { return s == name } }
	for _, want := range []bool{true, false} {
		if step, ok := log.Next(is("b")); ok != want || ok && step != "b" {
			t.Errorf("%q, %v", step, ok)
		}
	}
	for _, want := range []bool{true, true, false} {
		if _, ok := log.Next(is("a")); ok != want {
			t.Errorf("a fits: %v, want %v", ok, want)
		}
	}
}

func TestAnExchangeNotesStatusAndLeaving(t *testing.T) {
	t.Parallel()
	log := record.NewLog[string]()
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	rec := &record.Request{}
	log.Add(rec)
	e := log.NewExchange(httptest.NewRecorder(), r, rec)
	if _, err := e.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	leave()
	e.Hang()
	if e.Pause(60_000) {
		t.Error("a pause outlasted its caller")
	}
	e.Close()
	if last, _ := log.Last(); last.Status != http.StatusOK || !last.Canceled {
		t.Errorf("%+v", last)
	}
}

func TestSplitModel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{"m": {"m", ""}, "m--500": {"m", "500"}, "m--other": {"m--other", ""}, "a--b--500": {"a--b--500", ""}} {
		if model, fault := record.SplitModel(name, []string{"500"}); model != want[0] || fault != want[1] {
			t.Errorf("%s: %s, %s", name, model, fault)
		}
	}
}
