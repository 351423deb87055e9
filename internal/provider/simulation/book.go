package simulation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"
)

// JobBook remembers what the id of a job cannot tell: which job a key stands for, and that one was canceled. A real
// upstream has a database for it; an installation gives the simulator its own, so that nothing is forgotten when a process
// is killed, and all nodes know the same.
type JobBook interface {
	// Claim makes job the one that key stands for, unless there is one already, and returns the one there is. It happens once
	// whatever happens at the same time.
	Claim(ctx context.Context, key, job string) (first string, err error)
	// ByKey returns the job that key stands for.
	ByKey(ctx context.Context, key string) (job string, ok bool, err error)
	// Cancel notes that a job was canceled, and when; a second time changes nothing.
	Cancel(ctx context.Context, job string, at time.Time) error
	CanceledAt(ctx context.Context, job string) (at time.Time, ok bool, err error)
}

// digestKey is what the book has of a key: keys are secrets, as whoever knows one may ask for its job.
func digestKey(key string) string {
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:])
}

// memoryBook is a book that is forgotten with the process. It is for tests, and for adapters that are given none.
type memoryBook struct {
	mu       sync.Mutex
	jobs     map[string]string
	canceled map[string]time.Time
}

func newMemoryBook() *memoryBook {
	return &memoryBook{jobs: map[string]string{}, canceled: map[string]time.Time{}}
}

// Claim implements JobBook.
func (b *memoryBook) Claim(_ context.Context, key, job string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first, ok := b.jobs[key]; ok {
		return first, nil
	}
	b.jobs[key] = job
	return job, nil
}

// ByKey implements JobBook.
func (b *memoryBook) ByKey(_ context.Context, key string) (string, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, ok := b.jobs[key]
	return job, ok, nil
}

// Cancel implements JobBook.
func (b *memoryBook) Cancel(_ context.Context, job string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.canceled[job]; !ok {
		b.canceled[job] = at
	}
	return nil
}

// CanceledAt implements JobBook.
func (b *memoryBook) CanceledAt(_ context.Context, job string) (time.Time, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.canceled[job]
	return at, ok, nil
}
