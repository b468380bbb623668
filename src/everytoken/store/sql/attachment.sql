-- As hexadecimal digits: bytes that are no text must come through as they are.
SELECT hex(any(data)) AS data FROM attachments WHERE sha256 = {sha256:String} GROUP BY sha256
