  arrayJoin(if(empty(tags), [''], arrayMap(tag -> toString(tag), tags)))
