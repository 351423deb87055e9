package relay

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type testKey struct{}

// TestAttemptsFollowTheirCaller has a caller leave before, at and after the moment from which an attempt heeds that.
func TestAttemptsFollowTheirCaller(t *testing.T) {
	t.Parallel()
	for name, leaves := range map[string]time.Duration{"at once": 0, "early": heedless / 2, "late": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				caller, leave := context.WithCancel(context.WithValue(t.Context(), testKey{}, "kept"))
				d := newDeadline(caller, time.Now(), time.Hour, time.Now)
				defer d.stop()
				if d.ctx.Err() != nil || d.ctx.Value(testKey{}) != "kept" {
					t.Fatal("not the caller's context, or over before its time")
				}
				start := time.Now()
				time.AfterFunc(leaves, leave)
				<-d.ctx.Done()
				if took := time.Since(start); took != max(leaves, heedless) || !errors.Is(d.ctx.Err(), context.Canceled) || d.passed.Load() {
					t.Errorf("ended after %v with %v", took, d.ctx.Err())
				}
			})
		})
	}
}

// TestContextsOfAttemptsAreContexts holds an attempt's context to what others, and package context itself, expect of one.
func TestContextsOfAttemptsAreContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeadline(t.Context(), time.Now(), time.Hour, time.Now)
		child, cancel := context.WithTimeout(&d.ctx, time.Minute)
		defer cancel()
		var done, stopped atomic.Int64
		for range 4 { // more than there is room for
			context.AfterFunc(&d.ctx, func() { done.Add(1) })
		}
		stop := context.AfterFunc(&d.ctx, func() { stopped.Add(1) })
		if !stop() || stop() {
			t.Error("what is stopped is stopped once")
		}
		if child.Err() != nil || done.Load() != 0 {
			t.Error("over before its time")
		}
		d.stop()
		<-child.Done()
		synctest.Wait()
		if done.Load() != 4 || stopped.Load() != 0 || !errors.Is(child.Err(), context.Canceled) || d.passed.Load() {
			t.Errorf("done %d times, stopped one %d times, child: %v", done.Load(), stopped.Load(), child.Err())
		}
		late := d.ctx.AfterFunc(func() { done.Add(1) })
		synctest.Wait()
		if late() || done.Load() != 5 {
			t.Error("what comes after the end was not done at once")
		}
		<-d.ctx.Done() // asked for again
		d.stop()
	})
}
