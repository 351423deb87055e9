package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Lost is a stretch of the journal that cannot be read.
type Lost struct {
	Segment  string
	From, To int64
}

// Repair is what a repair found, and did unless it was only asked to look.
type Repair struct {
	Report
	Lost []Lost
	// KeptIn is the folder that the damaged files were moved to; empty when nothing was done.
	KeptIn string
}

// Salvage reads a corrupt journal past its damage: what can be read is applied, calls that were open are closed at their
// last mark, and the files are put aside for whoever wants to look. Calls whose entries lie in the lost stretches are
// gone; the report names the stretches. With dry set, nothing is changed.
func Salvage(ctx context.Context, o Options, now clock.Clock, dry bool) (Repair, error) {
	o = o.normal()
	r := recovery{Options: o, now: now, open: map[id.ID]*cut{}}
	var out Repair
	var err error
	if r.from, err = o.Sink.JournalApplied(ctx); err != nil {
		return out, err
	}
	segments, err := listSegments(o.Dir)
	if err != nil {
		return out, err
	}
	r.end = r.from.Applied
	for _, s := range segments {
		lost, err := r.salvage(s)
		if err != nil {
			return out, err
		}
		out.Lost = append(out.Lost, lost...)
	}
	if dry {
		for range r.open {
			r.report.Released++ // closed, at a mark or without
		}
		out.Report = r.report
		return out, nil
	}
	if err := r.closeCut(ctx); err != nil {
		return out, err
	}
	if err := r.apply(ctx); err != nil {
		return out, err
	}
	out.Report = r.report
	out.KeptIn, err = putAside(o.Dir, segments, now)
	return out, err
}

// salvage goes through a segment and jumps over what is no frame.
func (r *recovery) salvage(s segment) ([]Lost, error) {
	body, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	var lost []Lost
	for at := 0; at < len(body); {
		entries, n := openFrame(body[at:], s.base+int64(at))
		if n == 0 {
			next, found := nextFrame(body[at:], s.base+int64(at))
			if !found {
				next = len(body) - at
			}
			lost = append(lost, Lost{filepath.Base(s.path), s.base + int64(at), s.base + int64(at+next)})
			at += next
			continue
		}
		fresh := s.base+int64(at+n) > r.from.Applied
		if err := eachEntry(entries, func(k kind, rd *reader) error { return r.entry(k, rd, fresh) }); err != nil {
			return lost, err
		}
		at += n
	}
	r.end = max(r.end, s.base+int64(len(body)))
	return lost, nil
}

// putAside moves segments to a folder of their own, where no start looks.
func putAside(dir string, segments []segment, now clock.Clock) (string, error) {
	aside := filepath.Join(dir, fmt.Sprintf("damaged-%d", now().Unix()))
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return "", err
	}
	for _, s := range segments {
		if err := os.Rename(s.path, filepath.Join(aside, filepath.Base(s.path))); err != nil {
			return aside, err
		}
	}
	return aside, syncDir(dir)
}

// Inspect reads the journal's files and returns the stretches that cannot be read though something durable follows them.
// It changes nothing and works beside the process that writes them.
func Inspect(dir string) ([]Lost, error) {
	segments, err := listSegments(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lost []Lost
	for i, s := range segments {
		body, err := os.ReadFile(s.path)
		if errors.Is(err, os.ErrNotExist) {
			continue // applied and removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		lost = append(lost, inspect(s, body, i == len(segments)-1)...)
	}
	return lost, nil
}

// inspect looks through one segment. What ends the last one without being whole is a commit
// under way.
func inspect(s segment, body []byte, last bool) (lost []Lost) {
	for at := 0; at < len(body); {
		_, n := openFrame(body[at:], s.base+int64(at))
		if n > 0 {
			at += n
			continue
		}
		if _, was := wasDurable(body[at:], s.base+int64(at)); last && !was {
			return lost
		}
		next, found := nextFrame(body[at:], s.base+int64(at))
		if !found {
			next = len(body) - at
		}
		lost = append(lost, Lost{filepath.Base(s.path), s.base + int64(at), s.base + int64(at+next)})
		at += next
	}
	return lost
}
