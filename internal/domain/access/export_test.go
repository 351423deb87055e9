package access

// Hold reports whether a caller meets the conditions.
func (c *Conditions) Hold(who *Caller) bool { return c.hold(who) }
