package backupview

// work is what runs in the background, one at a time.
type work struct {
	stock *stock
	job   *job
}
