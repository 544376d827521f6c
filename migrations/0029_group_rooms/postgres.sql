-- A group's chat room is found by the room's own column.

-- owner: community/groups
ALTER TABLE community_group DROP COLUMN room_id;
