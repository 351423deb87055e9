package httpx_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// TestWatchersLookAgainAndShowThatTheyLive: once a second without news, at once with them, and a comment each fifteen seconds.
func TestWatchersLookAgainAndShowThatTheyLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := httptest.NewRecorder()
		events := httpx.NewEventWriter(rec, time.Now)
		if events.Begun() {
			t.Error("begun before anything was written")
		}
		looks, news := 0, make(chan struct{}, 1)
		news <- struct{}{}
		done, err := events.Watch(t.Context(), news, func() (bool, error) { looks++; return looks == 42, nil })
		if !done || err != nil || looks != 42 {
			t.Errorf("done: %v, %v, after %d looks", done, err, looks)
		}
		if got := strings.Count(rec.Body.String(), ": alive\n\n"); got != 2 || !events.Begun() || rec.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%d signs of life in %q, %v", got, rec.Body, rec.Header())
		}
	})
}

func TestWatchersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var nobody *httpx.EventWriter
		if done, err := nobody.Watch(t.Context(), nil, func() (bool, error) { return false, broken }); done || !errors.Is(err, broken) {
			t.Errorf("%v, %v", done, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if done, err := nobody.Watch(ctx, nil, func() (bool, error) { return false, nil }); done || err != nil {
			t.Errorf("%v, %v", done, err)
		}
	})
}
