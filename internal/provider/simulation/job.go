package simulation

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// job is a video that is being made. All that there is to know of it stands in its id, so that every process knows it, also
// one that was started later; only whether it was canceled is remembered elsewhere.
type job struct {
	created       time.Time // in milliseconds
	length        time.Duration
	width, height int
	seconds       int
	count         int
	hash          uint64
	fault         jobFault
	at            int // percent, where the fault comes
	silent        bool
}

// jobFault is what becomes of a job.
type jobFault uint8

const (
	jobGoesWell jobFault = iota
	jobFails
	jobHangs
	numJobFaults
)

const (
	jobPrefix  = "simvideo_"
	jobVersion = 1
	jobBytes   = 38
	sumBytes   = 4
)

// id writes the job down.
func (j *job) id() string {
	b := append(make([]byte, 0, jobBytes), jobVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(j.created.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(j.length)) //nolint:gosec // not negative
	b = binary.BigEndian.AppendUint64(b, j.hash)
	b = binary.BigEndian.AppendUint16(b, uint16(j.width))   //nolint:gosec // within the limits of a film
	b = binary.BigEndian.AppendUint16(b, uint16(j.height))  //nolint:gosec // within the limits of a film
	b = binary.BigEndian.AppendUint16(b, uint16(j.seconds)) //nolint:gosec // at most ten minutes
	flags := byte(j.fault) << 1
	if j.silent {
		flags |= 1
	}
	b = append(b, byte(j.count), flags, byte(j.at)) //nolint:gosec // a few, and a percentage
	return jobPrefix + base64.RawURLEncoding.EncodeToString(append(b, sum(b)...))
}

// sum guards an id against slips; nobody gains anything by making one up.
func sum(b []byte) []byte {
	h := fnv.New32a()
	_, _ = h.Write(b)
	return h.Sum(nil)
}

// parseJob reads an id; false when there was no such job.
func parseJob(id string) (job, bool) {
	if len(id) < len(jobPrefix) || id[:len(jobPrefix)] != jobPrefix {
		return job{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(id[len(jobPrefix):])
	if err != nil || len(b) != jobBytes || b[0] != jobVersion || string(b[jobBytes-sumBytes:]) != string(sum(b[:jobBytes-sumBytes])) {
		return job{}, false
	}
	return job{
		created: time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))), //nolint:gosec // what id wrote
		length:  time.Duration(binary.BigEndian.Uint64(b[9:])),         //nolint:gosec // what id wrote
		hash:    binary.BigEndian.Uint64(b[17:]),
		width:   int(binary.BigEndian.Uint16(b[25:])), height: int(binary.BigEndian.Uint16(b[27:])),
		seconds: int(binary.BigEndian.Uint16(b[29:])), count: int(b[31]),
		fault: jobFault(b[32] >> 1), silent: b[32]&1 == 1, at: int(b[33]),
	}, true
}

// progress is in percent, with nothing going wrong.
func (j *job) progress(now time.Time) int {
	past := now.Sub(j.created)
	switch {
	case past >= j.length:
		return 100
	case past <= 0:
		return 0
	}
	return int(past * 100 / j.length)
}

// queuedPercent is how much of its time a job waits.
const queuedPercent = 10

// show is the job as it stands at a time.
func (j *job) show(id string, now time.Time) provider.Job {
	out := provider.Job{ID: id, Progress: j.progress(now), State: provider.JobRunning}
	switch {
	case j.fault == jobHangs && out.Progress >= j.at:
		out.Progress = j.at
	case j.fault == jobFails && out.Progress >= j.at:
		out.State, out.Progress = provider.JobFailed, j.at
		out.Failure = provider.Outcome{
			Category: inference.ServerError, Code: "video_generation_failed", Message: "Simulated failure of the job.",
		}
	case out.Progress == 100:
		out.State = provider.JobSucceeded
		for range j.count {
			out.Results = append(out.Results, provider.JobResult{ContentType: "video/mp4"})
		}
		out.UsageKnown = !j.silent
		if out.UsageKnown {
			out.Usage.Quantities[inference.VideoSecond] = int64(j.seconds * j.count)
		}
	case out.Progress < queuedPercent:
		out.State, out.Progress = provider.JobQueued, 0
	}
	out.Raw = []byte(compact(map[string]any{"id": id, "object": "video", "status": out.State, "progress": out.Progress, "created_at": j.created.Unix()}))
	return out
}
