package journal

import (
	"github.com/gantry-ai/gantry/internal/domain/tasks"
)

func appendReplay(b []byte, v *tasks.Replay) []byte {
	b = append(b, v.Claim[:]...)
	b = append(b, v.Fingerprint[:]...)
	b = append(b, v.TaskID[:]...)
	b = append(b, v.UserID[:]...)
	b = appendInt(b, int64(v.Status))
	b = appendText(b, v.ContentType)
	b = appendBool(b, v.Lost)
	b = appendTime(b, v.CreatedAt)
	b = appendTime(b, v.ExpiresAt)
	return appendText(b, v.Body)
}

func readReplay(r *reader) *tasks.Replay {
	v := &tasks.Replay{}
	copy(v.Claim[:], r.take(len(v.Claim)))
	copy(v.Fingerprint[:], r.take(len(v.Fingerprint)))
	v.TaskID, v.UserID = r.id(), r.id()
	v.Status, v.ContentType, v.Lost = int(r.int()), r.text(), r.bool()
	v.CreatedAt, v.ExpiresAt = r.time(), r.time()
	v.Body = r.bytes()
	if r.err != nil {
		return nil
	}
	return v
}

// maxKept bounds the size of a commit up to which it takes answers: what one frame can hold is bounded.
const maxKept = maxFrame / 4

// fit leaves the answers out of a record for which a commit has no room. The charge is what must be written.
func (c *commit) fit(r *Record) {
	if r.Kept != nil && c.size()+r.answers() > maxKept {
		r.Kept = nil
	}
	if r.Replay != nil && c.size()+r.answers() > maxKept {
		lost := *r.Replay
		lost.Body, lost.Lost = nil, true
		r.Replay = &lost
	}
}

// answers is how many bytes the kept answers take.
func (v *Record) answers() (n int64) {
	if v.Replay != nil {
		n += int64(len(v.Replay.Body))
	}
	if v.Kept != nil {
		n += int64(len(v.Kept.Input) + len(v.Kept.Answer))
	}
	return n
}

// weighed is how many bytes of a kept answer weigh as much as a record, in what may wait for the database.
const weighed = 4 << 10

// weight is what a record counts in the backlog: kept answers are much larger than anything else.
func weight(r *Record) int { return 1 + int(r.answers()/weighed) }
