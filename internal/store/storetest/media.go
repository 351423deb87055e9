package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/blob"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func testBlobs(_ *testing.T, w *world) {
	s := w.Blobs()
	file := func(n int, task id.ID) blob.Blob {
		return blob.Blob{
			ID: id.At(epoch.Add(time.Duration(n) * time.Hour)), TenantID: w.user.TenantID, UserID: w.user.ID, TaskID: task, ContentType: "image/png",
			Size: 1 << 33, SHA256: [32]byte{0xff, 1}, Simulated: n%2 == 0, CreatedAt: epoch, ExpiresAt: epoch.Add(time.Duration(n) * time.Hour),
		}
	}
	task := id.New()
	files := []blob.Blob{file(1, task), file(2, task), file(3, id.ID{})}
	for i := range files {
		w.ok(s.BlobInsert(w.ctx, &files[i]))
	}
	w.refused(s.BlobInsert(w.ctx, &files[0]), fault.ErrConflict, "id")
	found(w, "BlobByID", files[0])(s.BlobByID(w.ctx, files[0].ID))
	found(w, "one without a task", files[2])(s.BlobByID(w.ctx, files[2].ID))
	missing[blob.Blob](w, "no file")(s.BlobByID(w.ctx, id.New()))
	found(w, "BlobsOfTask", files[:2])(s.BlobsOfTask(w.ctx, w.user.TenantID, task))
	found(w, "those of another tenant", []blob.Blob{})(s.BlobsOfTask(w.ctx, id.New(), task))
	found(w, "BlobsExpired", files[:2])(s.BlobsExpired(w.ctx, files[1].ExpiresAt, 9))
	found(w, "some of them", files[:1])(s.BlobsExpired(w.ctx, files[1].ExpiresAt, 1))
	w.ok(s.BlobDelete(w.ctx, files[0].ID))
	w.refused(s.BlobDelete(w.ctx, files[0].ID), fault.ErrNotFound, "")
}

func testSimulationJobs(t *testing.T, w *world) {
	t.Helper()
	s := w.Simulation()
	if _, ok, err := s.ByKey(w.ctx, "key"); ok || err != nil {
		t.Errorf("a key that nobody claimed: %v, %v", ok, err)
	}
	var group sync.WaitGroup
	firsts := make([]string, 6)
	for i := range firsts {
		group.Go(func() {
			var err error
			if firsts[i], err = s.Claim(w.ctx, "key", fmt.Sprint("job-", i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, first := range firsts {
		same(w, "what the key stands for", first, firsts[0])
	}
	if job, ok, err := s.ByKey(w.ctx, "key"); job != firsts[0] || !ok || err != nil {
		t.Errorf("got %q, %v, %v", job, ok, err)
	}
	if _, ok, err := s.CanceledAt(w.ctx, "job"); ok || err != nil {
		t.Errorf("a job that nobody canceled: %v, %v", ok, err)
	}
	w.ok(s.Cancel(w.ctx, "job", epoch))
	w.ok(s.Cancel(w.ctx, "job", epoch.Add(time.Hour)))
	if at, ok, err := s.CanceledAt(w.ctx, "job"); !at.Equal(epoch) || !ok || err != nil {
		t.Errorf("got %v, %v, %v", at, ok, err)
	}
	found(w, "Forget", 1)(s.Forget(w.ctx, epoch.Add(time.Minute)))
	if _, ok, err := s.CanceledAt(w.ctx, "job"); ok || err != nil {
		t.Errorf("what was forgotten: %v, %v", ok, err)
	}
}
