SELECT count() AS traces
/*traces_found*/
WHERE /*where*/
