package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// rows are kept in memory.
type rows struct {
	mu     sync.Mutex
	all    []Blob
	refuse error
}

func (r *rows) BlobInsert(_ context.Context, b *Blob) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse == nil {
		r.all = append(r.all, *b)
	}
	return r.refuse
}

func (r *rows) BlobByID(_ context.Context, blob id.ID) (Blob, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.all {
		if b.ID == blob {
			return b, nil
		}
	}
	return Blob{}, fault.ErrNotFound
}

func (r *rows) BlobsOfTask(context.Context, id.ID, id.ID) ([]Blob, error) { return r.all, nil }

func (r *rows) BlobsExpired(_ context.Context, before time.Time, limit int) (out []Blob, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.all {
		if !b.ExpiresAt.After(before) && len(out) < limit {
			out = append(out, b)
		}
	}
	return out, nil
}

func (r *rows) BlobDelete(_ context.Context, blob id.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.all)
	r.all = slices.DeleteFunc(r.all, func(b Blob) bool { return b.ID == blob })
	if len(r.all) == before {
		return fault.ErrNotFound
	}
	return nil
}

// shelf is a library on a disk of its own, with a clock that moves when told to.
func shelf(t *testing.T) (*Library, *rows, *clock.Manual, string) {
	t.Helper()
	folder := t.TempDir()
	disk, err := NewDisk(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	r, c := &rows{}, clock.NewManual(time.Unix(1_760_000_000, 0))
	return &Library{Objects: disk, Rows: r, Now: c.Now, Retention: time.Hour, MaxBytes: 1000}, r, c, folder
}

var picture = []byte("\x89PNG\r\n\x1a\n and so on")

func read(t *testing.T, l *Library, b *Blob) string {
	t.Helper()
	r, err := l.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestLibraryKeepsAndForgets(t *testing.T) {
	t.Parallel()
	l, _, c, folder := shelf(t)
	b, err := l.Keep(t.Context(), &File{Content: picture})
	if err != nil || b.ContentType != "image/png" || b.Size != int64(len(picture)) || read(t, l, &b) != string(picture) {
		t.Fatalf("%+v, %v", b, err)
	}
	if got, err := l.Stat(t.Context(), b.ID); err != nil || got != b {
		t.Errorf("%+v, %v", got, err)
	}
	c.Advance(time.Hour)
	if _, err := l.Stat(t.Context(), b.ID); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("a file whose time is over: %v", err)
	}
	if n, err := l.Tidy(t.Context()); n != 1 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	if files := regular(t, folder); len(files) > 0 {
		t.Errorf("%v are left", files)
	}
	other, err := l.Keep(t.Context(), &File{Content: []byte("text")})
	if err != nil || other.ContentType != unknown {
		t.Fatalf("%+v, %v", other, err)
	}
	if err := l.Delete(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	if err := l.Delete(t.Context(), other.ID); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("deleting twice: %v", err)
	}
	if _, err := l.Open(t.Context(), &other); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("opening what is gone: %v", err)
	}
}

// regular are the files in a folder.
func regular(t *testing.T, folder string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLibraryLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	l, r, _, folder := shelf(t)
	if _, err := l.Keep(t.Context(), &File{Content: make([]byte, 1001)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	r.refuse = fault.ErrUnavail
	if _, err := l.Keep(t.Context(), &File{Content: picture}); !errors.Is(err, fault.ErrUnavail) {
		t.Errorf("got %v", err)
	}
	if files := regular(t, folder); len(files) > 0 {
		t.Errorf("%v are left", files)
	}
}

func TestDiskStaysInItsFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	inside := filepath.Join(folder, "inside")
	disk, err := NewDisk(inside)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"../outside", "a/../../outside", "/etc/gantry"} {
		if err := disk.Put(t.Context(), key, []byte("x"), ""); err == nil {
			t.Errorf("%s was written", key)
		}
	}
	if err := disk.Put(t.Context(), "a/b", []byte("1"), ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inside, unfinished, "half"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = disk.Close()
	if disk, err = NewDisk(inside); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	if files := regular(t, folder); len(files) != 1 || !strings.HasSuffix(files[0], filepath.Join("a", "b")) {
		t.Errorf("after a restart there are %v", files)
	}
	if err := disk.Delete(t.Context(), "a/c"); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"\x89PNG\r\n\x1a\n": "image/png", "\xff\xd8\xff\xe0": "image/jpeg", "GIF89a": "image/gif", "\xff\xfb\x90": "audio/mpeg",
		"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2avc1mp41": "video/mp4", "RIFF\x00\x00\x00\x00WAVEfmt ": "audio/wave",
		"<svg xmlns='http://www.w3.org/2000/svg'/>": unknown, "<html><script>": unknown, "": unknown, "%PDF-1.4": unknown,
	} {
		if got := Sniff([]byte(content)); got != want {
			t.Errorf("%q: %s, want %s", content, got, want)
		}
	}
}

func TestObjectsAgree(t *testing.T) {
	t.Parallel()
	disk, err := NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	for name, objects := range map[string]Objects{"disk": disk, "s3": bucket(t)} {
		content := bytes.Repeat([]byte("0123456789"), 20_000)
		if err := objects.Put(t.Context(), "blobs/ab/one", content, "image/png"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r, err := objects.Open(t.Context(), "blobs/ab/one")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if at, err := r.Seek(-7, io.SeekEnd); err != nil || at != int64(len(content)-7) {
			t.Errorf("%s: at %d, %v", name, at, err)
		}
		if rest, err := io.ReadAll(r); string(rest) != "3456789" || err != nil {
			t.Errorf("%s: read %q, %v", name, rest, err)
		}
		if at, err := r.Seek(0, io.SeekStart); err != nil || at != 0 {
			t.Errorf("%s: at %d, %v", name, at, err)
		}
		if all, err := io.ReadAll(r); !bytes.Equal(all, content) || err != nil {
			t.Errorf("%s: read %d bytes, %v", name, len(all), err)
		}
		_ = r.Close()
		if _, err := objects.Open(t.Context(), "blobs/ab/two"); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("%s: opening what is not there: %v", name, err)
		}
		for range 2 {
			if err := objects.Delete(t.Context(), "blobs/ab/one"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := objects.Open(t.Context(), "blobs/ab/one"); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("%s: opening what was deleted: %v", name, err)
		}
	}
}
