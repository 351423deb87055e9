package journal

// Backlog is how much is taken down that is not in the database yet, in records: beyond a bound Ready refuses.
func (j *Journal) Backlog() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.backlog
}
