SELECT
/*totals*/
/*explained*/
