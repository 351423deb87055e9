package catalog

// Changed says that providers or base models changed in this transaction. Routes and prices draw on them, so whoever
// compiled those listens.
type Changed struct{}
